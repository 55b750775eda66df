"""kerneld's end of the conversation with the zygote, which makes every process of the user side."""

import asyncio
import json
import os
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

from kerneld.child import Child, Exit
from kerneld.console import Console
from kerneld.errors import RequestError
from kerneld.log import note

MAX_MESSAGE_BYTES = 64 * 1024

_ANSWER_S = 30
_TICK_S = 1
_TICKS_BETWEEN_PINGS = 5
_SILENT_TICKS = 10
_MAX_EARLY_EXITS = 256
_MAX_LANGUAGES = 32
_REFUSALS = ("invalid_request", "invalid_path", "language_unavailable", "kernel_start_failed")


class Zygote:
    """Asks the zygote for processes and hears of their ends.

    `on_lost` is called once, with a reason, when the zygote has closed its end, talks nonsense, or was silent for ten
    seconds: the sandbox cannot go on then.
    """

    def __init__(self, control: socket.socket, console: Console, on_lost: Callable[[str], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._control = control
        self._on_lost = on_lost
        self._pending: dict[int, asyncio.Future[tuple[dict[str, Any], int | None]]] = {}
        self._outgoing: deque[tuple[bytes, int | None]] = deque()
        self._children: dict[int, Child] = {}
        self._early_exits: dict[int, Exit] = {}
        self._last_id = 0
        self._making: set[asyncio.Task[Child]] = set()
        self._ticks = 0
        self._silent_ticks = 0
        self._lost = False
        self.console = console
        self.languages: dict[str, str] = {}
        """Versions by language, once `ready` is set."""
        self.ready = asyncio.Event()
        self._loop.add_reader(control.fileno(), self._receive)
        self._loop.call_later(_TICK_S, self._tick)

    async def kernel(
        self,
        kernel_id: str,
        language: str,
        directory: str,
        env: dict[str, str],
        cwd: str | None,
        first: bool,
        readiness: int,
    ) -> Child:
        """A kernel's process; `readiness` is the write end of its pipe. Raises `RequestError`."""
        request = {
            "op": "kernel",
            "kernel_id": kernel_id,
            "language": language,
            "directory": directory,
            "env": env,
            "cwd": cwd,
            "first": first,
        }
        return await self._child(request, readiness)

    def prepare(self) -> None:
        """Have a Python kernel started ahead, if none is: one will be asked for soon."""
        if self.ready.is_set() and not self._lost:
            self._send(json.dumps({"op": "prepare"}).encode())

    async def file_worker(self, stream: socket.socket) -> Child:
        """A file worker that serves the other end of `stream`. Raises `RequestError`."""
        return await self._child({"op": "file"}, stream.fileno())

    async def _child(self, request: dict[str, Any], descriptor: int) -> Child:
        making = self._loop.create_task(self._make(request, os.dup(descriptor)))
        self._making.add(making)
        making.add_done_callback(self._making.discard)
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await asyncio.shield(making)
        except BaseException as problem:
            # A process that comes when nobody waits any more would live on, unknown to everybody.
            making.add_done_callback(_kill_made)
            if isinstance(problem, TimeoutError):
                raise RequestError("kernel_start_failed", "the zygote did not answer") from None
            raise

    async def _make(self, request: dict[str, Any], descriptor: int) -> Child:
        """Ask for a process; `descriptor` is closed once it is sent."""
        answer, process_descriptor = await self._ask(request, descriptor)
        pid = answer.get("pid")
        if answer.get("ok") is not True:
            if process_descriptor is not None:
                os.close(process_descriptor)
            code = answer.get("code")
            known = code if code in _REFUSALS else "kernel_start_failed"
            raise RequestError(str(known), str(answer.get("detail"))[:1024])
        if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 1:
            if process_descriptor is not None:
                os.close(process_descriptor)
            self._lose("it made a process without saying which")
            raise RequestError("kernel_start_failed", "the zygote gave no process")
        try:
            child = Child(pid, process_descriptor, lambda: self._reap(pid))
        except OSError:
            self._lose("it sent no process")
            raise RequestError("kernel_start_failed", "the zygote gave no process") from None
        self._children[pid] = child
        early = self._early_exits.pop(pid, None)
        if early is not None:
            child.told(early)
        return child

    async def _ask(
        self, request: dict[str, Any], descriptor: int
    ) -> tuple[dict[str, Any], int | None]:
        self._last_id = identifier = self._last_id + 1
        data = json.dumps({"id": identifier, **request}).encode()
        if len(data) > MAX_MESSAGE_BYTES:
            os.close(descriptor)
            raise RequestError("invalid_request", "env is too large")
        answer = self._pending[identifier] = self._loop.create_future()
        self._send(data, descriptor)
        try:
            return await answer
        finally:
            self._pending.pop(identifier, None)

    def _send(self, data: bytes, descriptor: int | None = None) -> None:
        self._outgoing.append((data, descriptor))
        self._flush()

    def _flush(self) -> None:
        """Send what is waiting; a descriptor that has been sent is closed here."""
        while self._outgoing and not self._lost:
            data, descriptor = self._outgoing[0]
            try:
                socket.send_fds(self._control, [data], [] if descriptor is None else [descriptor])
            except BlockingIOError:
                self._loop.add_writer(self._control.fileno(), self._flush)
                return
            except OSError as error:
                self._lose(f"it cannot be reached: {error.strerror}")
                return
            self._outgoing.popleft()
            if descriptor is not None:
                os.close(descriptor)
        if not self._lost:
            self._loop.remove_writer(self._control.fileno())

    def _receive(self) -> None:
        while not self._lost:
            try:
                data, descriptors, flags, _ = socket.recv_fds(
                    self._control, MAX_MESSAGE_BYTES, 16, socket.MSG_CMSG_CLOEXEC
                )
            except BlockingIOError:
                return
            except OSError as error:
                self._lose(f"it cannot be heard: {error.strerror}")
                return
            for surplus in descriptors[1:]:
                os.close(surplus)
            descriptor = descriptors[0] if descriptors else None
            if not data:
                self._lose("it has ended")
            elif flags & socket.MSG_TRUNC or len(descriptors) > 1:
                self._lose("it sent more than a message may hold")
            else:
                self._silent_ticks = 0
                self._received(data, descriptor)

    def _received(self, data: bytes, descriptor: int | None) -> None:
        try:
            message = json.loads(data)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            message = {}
        answer = self._pending.get(message["id"]) if isinstance(message.get("id"), int) else None
        if answer is not None and not answer.done():
            answer.set_result((message, descriptor))
            return
        if descriptor is not None:
            os.close(descriptor)
        if message.get("event") == "ready":
            self._preloaded(message.get("languages"))
        elif message.get("event") == "exited":
            self._exited(message)

    def _preloaded(self, languages: object) -> None:
        if isinstance(languages, dict):
            for language, version in list(languages.items())[:_MAX_LANGUAGES]:
                self.languages[language[:64]] = str(version)[:64]
        self.ready.set()

    def _exited(self, message: dict[str, Any]) -> None:
        pid = message.get("pid")
        if not isinstance(pid, int):
            return
        ended = Exit.of(message.get("exit_code"), message.get("signal"))
        child = self._children.get(pid)
        if child is not None:
            child.told(ended)
            return
        self._early_exits[pid] = ended
        while len(self._early_exits) > _MAX_EARLY_EXITS:
            del self._early_exits[next(iter(self._early_exits))]

    def _reap(self, pid: int) -> None:
        self._children.pop(pid, None)
        self._send(json.dumps({"op": "reap", "pid": pid}).encode())

    def _tick(self) -> None:
        """Counted in turns of this loop, so that a sandbox that was frozen does not take itself for dead."""
        if self._lost:
            return
        self._loop.call_later(_TICK_S, self._tick)
        self._ticks += 1
        # While it imports it answers nothing; how long that may take is bounded by whoever waits for `ready`.
        if self.ready.is_set():
            self._silent_ticks += 1
        if self._silent_ticks > _SILENT_TICKS:
            self._lose("it has been silent for 10 s")
        elif self._ticks % _TICKS_BETWEEN_PINGS == 0:
            self._last_id += 1
            self._send(json.dumps({"id": self._last_id, "op": "ping"}).encode())

    def _lose(self, reason: str) -> None:
        if self._lost:
            return
        self._lost = True
        self._loop.remove_reader(self._control.fileno())
        self._loop.remove_writer(self._control.fileno())
        note(f"the zygote is lost: {reason}")
        self._on_lost(f"the zygote is lost: {reason}")


def _kill_made(making: asyncio.Task[Child]) -> None:
    if not making.cancelled() and making.exception() is None:
        making.result().kill()
