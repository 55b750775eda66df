"""The one connection on which all Jupyter clients of a sandbox come through the gateway."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from tornado.iostream import IOStream, StreamClosedError

from kerneld import fields
from kerneld.errors import RequestError
from kerneld.jupyter import frames, messages
from kerneld.jupyter.frames import Frame, FrameError, FrameReader
from kerneld.jupyter.messages import ClientMessage
from kerneld.jupyter.request import Request as JupyterRequest
from kerneld.kernel import Kernel
from kerneld.kernels import Kernels
from kerneld.log import note
from kerneld.messages import InvalidMessage
from kerneld.run import Run, Specification
from kerneld.runs import Runs
from kerneld.server import Request

PROTOCOL = "hotcell-jupyter-1"

_CHUNK_BYTES = 256 * 1024
_HIGH_WATER_BYTES = 4 * 1024 * 1024
_STALLED_S = 10
_TIMEOUT_S = 7 * 24 * 3600
"""Jupyter has no deadlines, and a run must have one."""
_GRACE_S = 5
_MAX_OUTPUT_BYTES = 1024 * 1024
"""Of the journal: Jupyter clients hear everything."""
_MAX_SESSION = 256


@dataclass(slots=True)
class _Client:
    kernel: Kernel
    key: str


class Hub:
    """Serves the connection; the newest wins."""

    def __init__(self, kernels: Kernels, runs: Runs) -> None:
        self._kernels = kernels
        self._runs = runs
        self._connection: _Connection | None = None

    async def serve(self, request: Request) -> None:
        """Answer `GET /channels`: switch protocols, and serve until the connection breaks."""
        if request.upgrade_to != PROTOCOL:
            raise RequestError("invalid_request", f"Upgrade must be {PROTOCOL}")
        if self._connection is not None:
            self._connection.close()
        connection = self._connection = _Connection(request.switch_protocols(PROTOCOL))
        clients: dict[int, _Client] = {}
        try:
            async for frame in connection.incoming():
                self._take(frame, connection, clients)
        except (StreamClosedError, FrameError):
            pass
        finally:
            connection.close()
            for number, client in clients.items():
                client.kernel.audience.detach(client.key, number)
                client.kernel.audience.hold(False)
            if self._connection is connection:
                self._connection = None

    def _take(self, frame: Frame, connection: "_Connection", clients: dict[int, _Client]) -> None:
        number = frame.target
        try:
            if frame.kind == frames.ATTACH:
                clients[number] = self._attach(number, frame.payload, connection)
                return
            if frame.kind in (frames.HOLD, frames.RESUME):
                self._pace(number, frame.kind == frames.HOLD, clients)
                return
            client = clients.get(number)
            if client is None:
                return
            if frame.kind == frames.DETACH:
                del clients[number]
                missed_bytes = fields.integer(fields.body_object(frame.payload), "missed_bytes", 0)
                client.kernel.audience.detach(client.key, number, missed_bytes)
            elif frame.kind == frames.MESSAGE:
                self._hear(client, frame.payload)
        except InvalidMessage as problem:
            self._expel(number, "invalid_message", str(problem), connection, clients)
        except RequestError as problem:
            self._expel(number, problem.code, problem.detail, connection, clients)

    def _pace(self, ordinal: int, hold: bool, clients: dict[int, _Client]) -> None:
        for client in clients.values():
            if client.kernel.ordinal == ordinal:
                client.kernel.audience.hold(hold)
                return

    def _expel(
        self, number: int, code: str, detail: str, connection: "_Connection", clients: dict[int, _Client]
    ) -> None:
        client = clients.pop(number, None)
        if client is not None:
            client.kernel.audience.detach(client.key, number)
        connection.closed(number, code, detail)

    def _attach(self, number: int, payload: bytes, connection: "_Connection") -> _Client:
        body = fields.body_object(payload)
        fields.only(body, ("kernel", "session"))
        session = fields.text_or_null(body, "session")
        if session is not None and not 1 <= len(session) <= _MAX_SESSION:
            raise RequestError("invalid_request", f"session must have 1 to {_MAX_SESSION} characters")
        kernel = self._kernels.get(fields.kernel_id(body, "kernel"))
        return _Client(kernel, kernel.audience.attach(number, session, connection))

    def _hear(self, client: _Client, payload: bytes) -> None:
        message = messages.read(payload)
        audience = client.kernel.audience
        match message.channel:
            case "shell":

                def start_run(asked: ClientMessage, asker: JupyterRequest) -> Run:
                    return self._start_run(client.kernel, asked, asker)

                audience.take(client.key, message, start_run)
            case "stdin":
                if message.msg_type == "input_reply":
                    audience.answer_input(client.key, message)
            case _:
                self._control(client, message)

    def _control(self, client: _Client, message: ClientMessage) -> None:
        kernel, audience = client.kernel, client.kernel.audience
        match message.msg_type:
            case "interrupt_request":
                kernel.interrupt()
                audience.answer(client.key, message, {"status": "ok"}, b"control")
            case "shutdown_request":
                restart = message.content.get("restart") is True
                audience.answer(client.key, message, {"status": "ok", "restart": restart}, b"control")
                self._kernels.fulfil(
                    kernel.restart() if restart else self._kernels.remove(kernel.options.id)
                )
            case _:
                if not audience.control(client.key, message):
                    content = {"status": "error", "ename": "NoKernel", "evalue": "the kernel is not running"}
                    audience.answer(client.key, message, content | {"traceback": []}, b"control")

    def _start_run(self, kernel: Kernel, message: ClientMessage, asker: JupyterRequest) -> Run:
        content = message.content
        code = content.get("code")
        if not isinstance(code, str):
            raise RequestError("invalid_request", "code must be a string")
        silent = content.get("silent") is True
        specification = Specification(
            kernel=kernel.options.id,
            code=code,
            timeout_s=_TIMEOUT_S,
            grace_s=_GRACE_S,
            env={},
            cwd=None,
            stdin="ask" if content.get("allow_stdin") is True else "deny",
            max_output_bytes=_MAX_OUTPUT_BYTES,
            # What was sent to one interpreter makes no sense in the next.
            expect_generation=kernel.audience.generation,
            silent=silent,
            store_history=content.get("store_history", not silent) is True,
            stop_on_error=content.get("stop_on_error", True) is True,
            queue=True,
        )
        return self._runs.start(message.msg_id, specification, self._kernels, asker)


class _Connection:
    """The stream of frames to the gateway."""

    def __init__(self, stream: IOStream) -> None:
        self._stream = stream
        self._loop = asyncio.get_running_loop()
        self._pending_bytes = 0
        self._relief: list[Callable[[], None]] = []
        self._stalled: asyncio.TimerHandle | None = None

    async def incoming(self) -> AsyncIterator[Frame]:
        """Frames as they come. Raises `StreamClosedError` and `FrameError`."""
        reader = FrameReader()
        while True:
            data = await self._stream.read_bytes(_CHUNK_BYTES, partial=True)
            for frame in reader.push(data):
                yield frame
            if len(data) == _CHUNK_BYTES:
                # A read that finds data does not wait, and others are to have their turn.
                await asyncio.sleep(0)

    def close(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
        self._stream.close()
        self._relieve()

    @property
    def congested(self) -> bool:
        return self._pending_bytes > _HIGH_WATER_BYTES and not self._stream.closed()

    def when_relieved(self, callback: Callable[[], None]) -> None:
        self._relief.append(callback)
        if not self.congested:
            self._relieve()

    def send(self, client: int, payload: bytes) -> None:
        self._write(frames.encode(frames.MESSAGE, client, payload))

    def broadcast(self, kernel: int, payload: bytes) -> None:
        self._write(frames.encode(frames.BROADCAST, kernel, payload))

    def attached(self, client: int, kernel: int) -> None:
        self._write(frames.encode_object(frames.ATTACHED, client, {"number": kernel}))

    def closed(self, client: int, code: str, detail: str) -> None:
        self._write(frames.encode_object(frames.CLOSED, client, {"code": code, "detail": detail}))

    def _write(self, data: bytes) -> None:
        try:
            written = self._stream.write(data)
        except StreamClosedError:
            return
        if written.done():
            return
        size = len(data)
        self._pending_bytes += size
        if self._stalled is None:
            self._stalled = self._loop.call_later(_STALLED_S, self._give_up)
        written.add_done_callback(lambda _: self._written(size))

    def _written(self, size: int) -> None:
        self._pending_bytes -= size
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
        if self._pending_bytes > 0:
            self._stalled = self._loop.call_later(_STALLED_S, self._give_up)
        if not self.congested:
            self._relieve()

    def _give_up(self) -> None:
        note("the gateway takes nothing for Jupyter clients")
        self.close()

    def _relieve(self) -> None:
        waiting, self._relief = self._relief, []
        for callback in waiting:
            callback()
