"""A kernel over all its generations: how it starts, ends, and comes back from the dead."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kerneld.child import Exit
from kerneld.dispatcher import Dispatcher, Reply
from kerneld.errors import RequestError
from kerneld.execution import Result
from kerneld.frame import members
from kerneld.jupyter.audience import Audience
from kerneld.kernel_process import KernelProcess, Launch, Listener
from kerneld.log import note
from kerneld.relay import Relay
from kerneld.run import Run, now
from kerneld.scheduler import Interpreter, Scheduler
from kerneld.services import Services

_ATTEMPTS = 3
_RETRY_S = 0.1
_SOCKETS = "/run/kernels"

ExecutionState = Literal["starting", "idle", "restarting", "dead"]


@dataclass(frozen=True, slots=True)
class KernelOptions:
    """What a kernel was asked to be."""

    id: str
    language: str
    name: str
    cwd: str | None
    env: dict[str, str]


class Kernel:
    """Keeps an interpreter running for the runs of one kernel."""

    def __init__(self, options: KernelOptions, ordinal: int, services: Services) -> None:
        self._services = services
        relay = Relay(options.id, ordinal, services.journal, services.artifacts)
        self._scheduler = Scheduler(services, relay)
        self.audience = Audience(
            ordinal, self._scheduler, lambda: self._removed or self._state == "dead"
        )
        self._dispatcher = Dispatcher(ordinal, services, relay, self._scheduler, self.audience)
        self._listener = Listener(
            self._dispatcher.on_iopub,
            self._dispatcher.on_shell,
            self._dispatcher.on_control,
            self._dispatcher.on_stdin,
            self._ended,
        )
        self._state: ExecutionState = "starting"
        self._launching: asyncio.Task[None] | None = None
        self._process_ended = asyncio.Event()
        self._ending: str | None = None
        self._removed = False
        self._failures = 0
        self._last_death: dict[str, Any] | None = None
        self.options = options
        self.ordinal = ordinal

    def as_object(self) -> dict[str, Any]:
        state: str = self._state
        if state == "idle" and self._scheduler.interpreter.leaving:
            state = "restarting"
        elif state == "idle" and self._scheduler.execution is not None:
            state = "busy"
        return {
            "id": self.options.id,
            "language": self.options.language,
            "language_version": self._language_version,
            "name": self.options.name,
            "execution_state": state,
            "generation": self._scheduler.interpreter.generation,
            "execution_count": self._scheduler.execution_count,
            "last_death": self._last_death,
            "last_activity_at": self._dispatcher.last_activity_at,
        }

    async def start(self) -> None:
        """The first generation. Raises `RequestError` when it does not come up; `give_up` then."""
        self._launching = asyncio.get_running_loop().create_task(self._launch())
        await self._launched(self._launching)

    def give_up(self, reason: str) -> None:
        """It will never run: what was accepted for it meanwhile ends."""
        self._removed = True
        self._scheduler.clear(Result("kernel_died", reason, "lost"))

    @property
    def runs_under_way(self) -> int:
        """How many runs run or wait."""
        return self._scheduler.under_way

    def submit(self, run: Run) -> None:
        """Run it now or queue it. Raises `RequestError`."""
        if self._removed:
            raise RequestError("kernel_not_found", "the kernel is being removed")
        if self._state == "dead":
            raise RequestError("kernel_start_failed", "the kernel is dead; a restart may help")
        self._scheduler.submit(run)

    def interrupt_run(self, run: Run) -> None:
        """Interrupt the run; one that waits is cancelled."""
        self._scheduler.interrupt(run)

    def cancel_run(self, run: Run) -> None:
        """End the run: at once while it waits, otherwise by interrupt and, after its grace, by force."""
        self._scheduler.cancel(run)

    def answer(self, run: Run, value: str, n: int | None) -> bool:
        """Answer what the run asks, in record `n` if that is given; False when it does not ask that."""
        return self._scheduler.answer(run, value, n)

    def interrupt(self) -> None:
        """Interrupt whatever the kernel does."""
        if self._scheduler.execution is not None:
            self._scheduler.execution.interrupt()
        elif self._process is not None:
            self._process.interrupt()

    async def restart(self) -> None:
        """A new generation; what runs or waits ends. Raises `RequestError` when it does not come up."""
        if self._removed:
            raise RequestError("kernel_not_found", "the kernel is being removed")
        self._scheduler.clear(Result("cancelled", "restarted", "lost"))
        self._failures = 0
        self._foresee_launch()
        if self._process is not None:
            await self._end(self._process, "restarted")
        elif self._state == "dead":
            self._relaunch()
        if self._launching is not None:
            await self._launched(self._launching)
        if self._process is None:
            raise RequestError("kernel_start_failed", "the kernel does not start any more")

    async def remove(self) -> None:
        """End the kernel for good, with all its runs."""
        self._removed = True
        self._scheduler.clear(Result("cancelled", "kernel_removed", "lost"))
        if self._launching is not None:
            self._launching.cancel()
            await asyncio.wait((self._launching,))
        if self._process is not None:
            await self._end(self._process, "kernel_removed")
        self._record("removed")
        self.audience.removed()

    async def request(self, msg_type: str, content: dict[str, Any], timeout_s: float) -> Reply:
        """Send a shell request and wait for its reply. Raises `RequestError`."""
        if self._process is None:
            raise RequestError("kernel_timeout", "the kernel is not running")
        return await self._dispatcher.request(self._process, msg_type, content, timeout_s)

    def comm(
        self, msg_type: str, content: dict[str, Any], metadata: dict[str, Any], buffers: Sequence[bytes]
    ) -> None:
        """Send a comm message, behind the runs that were accepted before it. Raises `RequestError`."""
        self._scheduler.comm(msg_type, content, metadata, buffers)

    async def _launched(self, launching: asyncio.Task[None]) -> None:
        """Wait for a launch, which goes on when nobody waits any more."""
        await asyncio.wait((launching,))
        if launching.cancelled():
            raise RequestError("kernel_not_found", "the kernel was removed")
        launching.result()

    @property
    def _process(self) -> KernelProcess | None:
        return self._scheduler.interpreter.process

    @property
    def _language_version(self) -> str:
        return self._services.zygote.languages.get(self.options.language, "")

    async def _launch(self) -> None:
        services, language = self._services, self.options.language
        generation = self._scheduler.interpreter.generation + 1
        self._scheduler.interpreter = Interpreter(
            generation, oom_kills=services.cgroup.oom_kills.read()
        )
        self._scheduler.execution_count = 0
        self._ending = None
        self._process_ended.clear()
        self._record("starting", language=language)
        launch = Launch(
            self.options.id,
            language,
            f"{_SOCKETS}/{self.ordinal}",
            self.options.env,
            self.options.cwd,
            generation == 1,
        )
        try:
            process = await KernelProcess.start(
                services.zygote, services.context, launch, self._listener
            )
        except Exception as error:
            # Also want of descriptors or sockets: whatever it is, who waits for this kernel must hear of it.
            known = isinstance(error, RequestError)
            problem = error if known else RequestError("kernel_start_failed", type(error).__name__)
            self._failures += 1
            self._record("dead", reason=problem.detail.partition("\n")[0][:256])
            raise problem from None
        process.when_ended(self._foresee_launch)
        self._state = "idle"
        self._record("ready", language=language, language_version=self._language_version)
        self._scheduler.resume(process)
        self.audience.resumed()

    def _foresee_launch(self) -> None:
        """The next interpreter is made while the last one is being heard out."""
        if not self._removed and self.options.language == "python":
            self._services.zygote.prepare()

    def _relaunch(self) -> None:
        self._state = "restarting"
        self._launching = asyncio.get_running_loop().create_task(self._keep_launching())

    async def _keep_launching(self) -> None:
        while self._failures < _ATTEMPTS:
            try:
                await self._launch()
                return
            except RequestError:
                # What was in the way may just be dying, such as the last generation's processes.
                await asyncio.sleep(_RETRY_S * self._failures)
        self._state = "dead"
        note(f"kernel {self.options.id} does not start any more")
        reason = self._last_death["reason"] if self._last_death else None
        self._scheduler.clear(Result("kernel_died", reason, "lost"))
        self.audience.status("dead")
        self.audience.died()

    async def _end(self, process: KernelProcess, reason: str) -> None:
        busy = self._scheduler.execution is not None
        self._ending = reason
        self._scheduler.interpreter.leaving = True
        self._scheduler.abandon(Result("cancelled", reason, "lost"))
        if busy:
            process.kill()
        else:
            process.shut_down()
        await self._process_ended.wait()

    def _ended(self, process: KernelProcess, how: Exit) -> None:
        """The process is dead, and all that it said has been heard."""
        interpreter = self._scheduler.interpreter
        reason = self._ending or self._reason(how)
        self.audience.ends(process)
        interpreter.process = None
        self._last_death = {
            "reason": reason,
            "signal": how.signal,
            "exit_code": how.exit_code,
            "at": now(),
        }
        note(
            f"kernel {self.options.id} generation {interpreter.generation} died: {reason}; it sent "
            f"{process.received} messages, {process.received_bytes} bytes; {process.invalid} were invalid"
        )
        self._scheduler.abandon(Result("kernel_died", reason, "lost"))
        self._record("dead", reason=reason, signal=how.signal, exit_code=how.exit_code)
        self._dispatcher.kernel_died()
        self.audience.died()
        if not self._removed:
            # One that dies before it has run anything would otherwise be replaced for ever.
            self._failures = 0 if interpreter.ran else self._failures + 1
            self.audience.status("restarting")
            self._relaunch()
        self._process_ended.set()

    def _reason(self, how: Exit) -> str:
        execution = self._scheduler.execution
        if execution is not None and execution.killed_for is not None:
            return execution.killed_for
        if execution is not None and execution.exiting:
            return f"exit {how.exit_code or 0}"
        oom_kills = self._services.cgroup.oom_kills.read()
        if how.signal in (9, None) and oom_kills > self._scheduler.interpreter.oom_kills:
            return "oom"
        return how.reason

    def _record(self, event: str, **details: Any) -> None:
        body = members(
            kind="kernel",
            kernel=self.options.id,
            generation=self._scheduler.interpreter.generation,
            event=event,
            **details,
        )
        self._services.journal.append((body,), (), 0, self.ordinal)
