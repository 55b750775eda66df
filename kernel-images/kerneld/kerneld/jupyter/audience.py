"""The Jupyter clients of one kernel: what they say, what they hear, and what is kept for those that come back."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from kerneld.jupyter import messages
from kerneld.jupyter.frames import encode_message
from kerneld.jupyter.intake import Intake
from kerneld.jupyter.messages import ClientMessage
from kerneld.jupyter.replay import Replay
from kerneld.jupyter.request import Request
from kerneld.kernel_process import KernelProcess
from kerneld.messages import Message, relayed
from kerneld.run import Run
from kerneld.scheduler import Scheduler

_UNANSWERED = 256
"""Requests that a kernel may have before it: ZeroMQ drops what is over its mark."""
_ROUTES = 4096
_SEEN = 10_000
_ABSENT = 4


class Sink(Protocol):
    """The way to the gateway."""

    @property
    def congested(self) -> bool: ...

    def when_relieved(self, callback: Callable[[], None]) -> None: ...

    def send(self, client: int, payload: bytes) -> None: ...

    def broadcast(self, kernel: int, payload: bytes) -> None: ...

    def attached(self, client: int, kernel: int) -> None: ...

    def closed(self, client: int, code: str, detail: str) -> None: ...


@dataclass(slots=True)
class _Client:
    number: int
    replayed: bool
    """Whether what it misses while it is away is kept for it."""


class Audience:
    """Clients are known by key: their Jupyter session id, or a name of ours for those without one."""

    def __init__(self, ordinal: int, scheduler: Scheduler, is_dead: Callable[[], bool]) -> None:
        self._ordinal = ordinal
        self._scheduler = scheduler
        self._is_dead = is_dead
        self._sink: Sink | None = None
        self._clients: dict[str, _Client] = {}
        self._absent: dict[str, Replay] = {}
        self._intakes: dict[str, Intake] = {}
        self._routes: dict[str, str] = {}
        self._unanswered: set[str] = set()
        self._seen: dict[tuple[str, str], None] = {}
        self._session = ""
        self._held = False
        self._relief: list[Callable[[], None]] = []

    # What the gateway says

    def attach(self, number: int, session: str | None, sink: Sink) -> str:
        """A client begins; it gets what was kept for it. Returns its key."""
        key = f"#{number}" if session is None else session
        self._sink = sink
        older = self._clients.pop(key, None)
        if older is not None:
            sink.closed(older.number, "replaced", "another connection of the same session_id has taken its place")
        replay = self._absent.pop(key, None)
        if replay is None and older is None:
            self._absent.clear()
        sink.attached(number, self._ordinal)
        self._clients[key] = _Client(number, session is not None)
        if replay is not None:
            self._replay(number, replay, sink)
        return key

    def detach(self, key: str, number: int, missed_bytes: int = 0) -> None:
        """A client has gone, without so many bytes that were sent; what comes is kept until it is back."""
        client = self._clients.get(key)
        if client is None or client.number != number:
            return
        del self._clients[key]
        if not self._clients:
            self.hold(False)
        if client.replayed:
            self._absent[key] = Replay(missed_bytes)
            if len(self._absent) > _ABSENT:
                del self._absent[next(iter(self._absent))]

    def take(self, key: str, message: ClientMessage, start_run: "StartRun") -> None:
        """A message for the shell. Raises `RequestError` when too many wait."""
        intake = self._intakes.get(key)
        if intake is None:
            intake = self._intakes[key] = Intake(self, key, start_run)
        intake.take(message)

    def answer_input(self, key: str, message: ClientMessage) -> None:
        """An `input_reply`: it counts where this client's code asks for it."""
        execution = self._scheduler.execution
        asker = execution.run.asker if execution is not None else None
        if execution is not None and isinstance(asker, Request) and asker.key == key:
            value = message.content.get("value")
            execution.answer(value if isinstance(value, str) else "", relayed(message.parts))

    def control(self, key: str, message: ClientMessage) -> bool:
        """Send a request on the control channel; False where there is no kernel now."""
        process = self._process
        if process is None:
            return False
        self._route(message.msg_id, key)
        process.send_control(relayed(message.parts))
        return True

    # What the kernel says

    @property
    def listening(self) -> bool:
        """Whether anybody hears, now or later."""
        return bool(self._clients or self._absent or self._intakes)

    @property
    def congested(self) -> bool:
        """Whether the way to the clients is full."""
        if not self._clients:
            return False
        return self._held or (self._sink is not None and self._sink.congested)

    def when_relieved(self, callback: Callable[[], None]) -> None:
        """Call back once, when the way is free again."""
        if self._held:
            self._relief.append(callback)
        elif self._sink is not None:
            self._sink.when_relieved(callback)

    def hold(self, hold: bool) -> None:
        """Whether the kernel is to wait for its clients."""
        self._held = hold
        if not hold:
            waiting, self._relief = self._relief, []
            for callback in waiting:
                callback()

    def hears(self, message: Message) -> None:
        """A message on iopub."""
        self._publish(message.msg_type, message.parts)
        if message.msg_type == "status" and message.parent_id in self._unanswered and b"idle" in message.content:
            self._answered(message.parent_id)

    def replied(self, message: Message) -> None:
        """A reply on shell or control: it is for whoever asked."""
        self._reply(message, b"shell")

    def replied_on_control(self, message: Message) -> None:
        self._reply(message, b"control")

    def asks_input(self, message: Message, run: Run) -> None:
        """An `input_request`: it is for the client whose code asks."""
        if isinstance(run.asker, Request):
            self._deliver(run.asker.key, "input_request", b"stdin", message.parts)

    # What happens to the kernel

    def resumed(self) -> None:
        """There is a kernel again."""
        self.pump()

    def died(self) -> None:
        """The kernel is gone, and what was sent to it; nothing that waits for it makes sense in the next one."""
        self._unanswered.clear()
        self._abort()

    def status(self, state: str) -> None:
        """Say what became of the kernel, in its name."""
        self._publish_own("status", {"execution_state": state}, b"{}")

    def removed(self) -> None:
        """The kernel is gone for good."""
        self._abort()
        self.status("dead")
        for client in self._clients.values():
            if self._sink is not None:
                self._sink.closed(client.number, "kernel_removed", "the kernel was removed")
        self._clients.clear()
        self._absent.clear()

    # For intakes and requests

    def send_shell(self, key: str, message: ClientMessage) -> bool:
        """Send a request to the kernel; False where it cannot take one now."""
        process = self._process
        if process is None or len(self._unanswered) >= _UNANSWERED:
            return False
        self._unanswered.add(message.msg_id)
        self._route(message.msg_id, key)
        process.send_shell(relayed(message.parts))
        return True

    def seen(self, message: ClientMessage) -> bool:
        """Whether the very same request has come before; from now on it has."""
        identity = (message.session, message.msg_id)
        if identity in self._seen:
            return True
        self._seen[identity] = None
        if len(self._seen) > _SEEN:
            del self._seen[next(iter(self._seen))]
        return False

    @property
    def ready(self) -> bool:
        """Whether the kernel takes requests, or has to refuse them for good."""
        return self._process is not None or self._is_dead()

    @property
    def generation(self) -> int:
        return self._scheduler.interpreter.generation

    def expect_reply(self, msg_id: str, key: str) -> None:
        """The reply to `msg_id` is for the client of that key."""
        self._route(msg_id, key)

    def answer(self, key: str, message: ClientMessage, content: dict[str, Any], channel: bytes = b"shell") -> None:
        """Answer a request in the kernel's name: busy, the reply, idle."""
        self.answer_to(key, message.parts[0], message.msg_type, content, channel)

    def answer_to(
        self, key: str, header: bytes, msg_type: str, content: dict[str, Any], channel: bytes = b"shell"
    ) -> None:
        """The same, by the request's header."""
        self._publish_own("status", {"execution_state": "busy"}, header)
        reply_type = msg_type.removesuffix("_request") + "_reply"
        self._deliver(key, reply_type, channel, messages.made(reply_type, content, header, self._kernel_session))
        self._publish_own("status", {"execution_state": "idle"}, header)

    def publish_error(self, header: bytes, content: dict[str, Any]) -> None:
        """Show an error as the output of a request."""
        self._publish_own("error", content, header)

    def publish_idle(self, header: bytes) -> None:
        self._publish_own("status", {"execution_state": "idle"}, header)

    def pump_soon(self) -> None:
        asyncio.get_running_loop().call_soon(self.pump)

    def pump(self) -> None:
        """Let what waits go on."""
        for key, intake in tuple(self._intakes.items()):
            intake.pump()
            if intake.empty:
                del self._intakes[key]

    def abort_waiting(self) -> None:
        """Answer what waits to be executed as a kernel does after an error."""
        self._abort()

    @property
    def _process(self) -> KernelProcess | None:
        process = self._scheduler.interpreter.process
        return process if process is not None and process.alive else None

    @property
    def _kernel_session(self) -> str:
        process = self._scheduler.interpreter.process
        if process is not None:
            self.ends(process)
        return self._session

    def ends(self, process: KernelProcess) -> None:
        """An interpreter ends: what is said in its name after that has its session."""
        self._session = process.session or self._session

    def _abort(self) -> None:
        for intake in tuple(self._intakes.values()):
            intake.abort()

    def _route(self, msg_id: str, key: str) -> None:
        self._routes[msg_id] = key
        if len(self._routes) > _ROUTES:
            del self._routes[next(iter(self._routes))]

    def _reply(self, message: Message, channel: bytes) -> None:
        if message.parent_id is None:
            return
        key = self._routes.pop(message.parent_id, None)
        if key is not None:
            self._deliver(key, message.msg_type, channel, message.parts)
        self._answered(message.parent_id)

    def _answered(self, msg_id: str) -> None:
        if msg_id in self._unanswered:
            self._unanswered.discard(msg_id)
            if self._intakes:
                self.pump_soon()

    def _publish_own(self, msg_type: str, content: dict[str, Any], parent: bytes) -> None:
        self._publish(msg_type, messages.made(msg_type, content, parent, self._kernel_session))

    def _publish(self, msg_type: str, parts: Any) -> None:
        if not self._clients and not self._absent:
            return
        payload = encode_message(b"iopub", parts)
        if self._clients and self._sink is not None:
            self._sink.broadcast(self._ordinal, payload)
        for replay in self._absent.values():
            replay.add(msg_type, payload, parts[1])

    def _deliver(self, key: str, msg_type: str, channel: bytes, parts: Any) -> None:
        client = self._clients.get(key)
        if client is not None and self._sink is not None:
            self._sink.send(client.number, encode_message(channel, parts))
        elif key in self._absent:
            self._absent[key].add(msg_type, encode_message(channel, parts), parts[1])

    def _replay(self, number: int, replay: Replay, sink: Sink) -> None:
        kept = replay.take()
        if replay.dropped_bytes:
            text = f"[{replay.dropped_bytes} bytes were dropped while nobody took them]\n"
            content = {"name": "stderr", "text": text}
            note = messages.made("stream", content, replay.parent, self._kernel_session)
            sink.send(number, encode_message(b"iopub", note))
        for payload in kept:
            sink.send(number, payload)


type StartRun = Callable[[ClientMessage, Request], Run]
"""Starts a run for an `execute_request`, or queues it. Raises `RequestError`."""
