"""The kernels of a sandbox, and the assignment that makes it a session's."""

import asyncio
import json
from collections.abc import Coroutine
from contextlib import suppress
from itertools import count
from typing import Any

from kerneld import fields
from kerneld.errors import RequestError
from kerneld.kernel import Kernel, KernelOptions
from kerneld.services import Services

LIMIT = 16
_READY_S = 60
_AHEAD_AFTER_S = 0.25
"""The kernel that was asked for has the processor to itself first."""


class Kernels:
    """Starts, finds and removes kernels."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._kernels: dict[str, Kernel] = {}
        self._ordinals = count(1)
        self._assignment: bytes | None = None
        self._assigning: asyncio.Task[None] | None = None
        self._creations: set[asyncio.Task[Kernel]] = set()
        self._removals: dict[str, asyncio.Task[None]] = {}
        self._wishes: set[asyncio.Task[None]] = set()
        self._env: dict[str, str] = {}
        self._cwd: str | None = None

    @property
    def assigned(self) -> bool:
        return self._assignment is not None

    def all(self) -> list[Kernel]:
        return list(self._kernels.values())

    def get(self, identifier: str) -> Kernel:
        """Raises `RequestError`."""
        kernel = self._kernels.get(identifier)
        if kernel is None:
            raise RequestError("kernel_not_found", "there is no such kernel")
        return kernel

    async def assign(self, body: fields.Body) -> None:
        """Take a session's environment and start its kernels; once. Raises `RequestError`."""
        fields.only(body, ("session_id", "env", "cwd", "kernels"))
        fields.text(body, "session_id")
        env = fields.environment(body, "env")
        cwd = fields.text_or_null(body, "cwd")
        wanted = [
            KernelOptions(
                fields.kernel_id(item, "id"), fields.text(item, "language"), "", None, {}
            )
            for item in fields.objects(body, "kernels")
        ]
        digest = json.dumps(body, sort_keys=True).encode()
        if self._assignment is not None and self._assignment != digest:
            raise RequestError("already_assigned", "the sandbox has another session")
        if self._assigning is None:
            self._check_limit(len(wanted))
            self._assignment, self._env, self._cwd = digest, env, cwd
            self._assigning = asyncio.get_running_loop().create_task(self._start_all(wanted))
        await asyncio.shield(self._assigning)

    async def create(self, options: KernelOptions) -> Kernel:
        """A new kernel, ready; it is made to the end when the caller goes away. Raises `RequestError`."""
        creation = asyncio.get_running_loop().create_task(self._create(options))
        self._creations.add(creation)
        creation.add_done_callback(self._creations.discard)
        kernel = await asyncio.shield(creation)
        if options.language == "python" and len(self._kernels) < LIMIT:
            # Who has asked for a further kernel asks for another more often than others do.
            asyncio.get_running_loop().call_later(_AHEAD_AFTER_S, self._services.zygote.prepare)
        return kernel

    async def remove(self, identifier: str) -> None:
        """End a kernel; that goes on when the caller goes away. Raises `RequestError`."""
        kernel = self.get(identifier)
        removal = self._removals.get(identifier)
        if removal is None:
            removal = asyncio.get_running_loop().create_task(self._remove(kernel))
            self._removals[identifier] = removal
        await asyncio.shield(removal)

    async def _remove(self, kernel: Kernel) -> None:
        try:
            await kernel.remove()
        finally:
            self._kernels.pop(kernel.options.id, None)
            self._removals.pop(kernel.options.id, None)
            self._services.transcript.forget(kernel.options.id)

    @property
    def runs_under_way(self) -> int:
        """How many runs of all kernels run or wait."""
        return sum(kernel.runs_under_way for kernel in self._kernels.values())

    def fulfil(self, wish: Coroutine[Any, Any, None]) -> None:
        """See a restart or removal to its end that nobody waits for."""
        task = asyncio.get_running_loop().create_task(_quietly(wish))
        self._wishes.add(task)
        task.add_done_callback(self._wishes.discard)

    async def _create(self, options: KernelOptions) -> Kernel:
        if options.id in self._kernels:
            raise RequestError("kernel_exists", "there is a kernel of this id")
        self._check_limit(1)
        services = self._services
        merged = KernelOptions(
            options.id,
            options.language,
            options.name,
            options.cwd or self._cwd,
            {**self._env, **options.env},
        )
        kernel = self._kernels[options.id] = Kernel(merged, next(self._ordinals), services)
        try:
            async with asyncio.timeout(_READY_S):
                await services.zygote.ready.wait()
            languages = services.zygote.languages
            if options.language not in languages:
                available = ", ".join(languages)
                raise RequestError("language_unavailable", f"available: {available}")
            await kernel.start()
        except TimeoutError:
            self._discard(kernel)
            raise RequestError("kernel_start_failed", "the zygote is not ready") from None
        except BaseException:
            self._discard(kernel)
            raise
        return kernel

    def _discard(self, kernel: Kernel) -> None:
        """Forget a kernel that did not come up, unless its removal does that."""
        kernel.give_up("kernel_start_failed")
        if kernel.options.id not in self._removals:
            self._kernels.pop(kernel.options.id, None)

    async def _start_all(self, wanted: list[KernelOptions]) -> None:
        async with asyncio.TaskGroup() as group:
            for options in wanted:
                group.create_task(self._create(options))

    def _check_limit(self, more: int) -> None:
        if len(self._kernels) + more > LIMIT:
            raise RequestError("kernel_limit", f"a sandbox has at most {LIMIT} kernels")


async def _quietly(wish: Coroutine[Any, Any, None]) -> None:
    # What becomes of the kernel shows in its state.
    with suppress(RequestError):
        await wish


def state_of(kernels: Kernels, services: Services, boot: str) -> dict[str, Any]:
    """The state object of `GET /state`."""
    return {
        "boot": boot,
        "assigned": kernels.assigned,
        "first_n": services.journal.first_n,
        "last_n": services.journal.last_n,
        "kernels": [kernel.as_object() for kernel in kernels.all()],
        "languages": list(services.zygote.languages),
    }
