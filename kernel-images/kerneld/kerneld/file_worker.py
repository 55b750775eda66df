"""One conversation with a file worker: a process of the user side that touches paths so that kerneld need not."""

import asyncio
import json
import re
import socket
import struct
from types import TracebackType
from typing import Any, Self

from kerneld.child import Child
from kerneld.errors import STATUS_OF, RequestError
from kerneld.zygote import Zygote

_ANSWER_S = 60
_LINGER_S = 10
_LINE_BYTES = 4 * 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_AT_ONCE = asyncio.Semaphore(8)
_DIGITS = re.compile(r"-?[0-9]{1,20}", re.ASCII)


class FileWorker:
    """A worker for one operation; at most eight at once, others wait."""

    def __init__(self, zygote: Zygote) -> None:
        self._loop = asyncio.get_running_loop()
        self._zygote = zygote
        self._socket: socket.socket | None = None
        self._child: Child | None = None
        self._rest = b""

    async def open(self) -> None:
        """Get the worker. Raises `RequestError`."""
        await _AT_ONCE.acquire()
        ours, theirs = socket.socketpair()
        try:
            ours.setblocking(False)
            self._child = await self._zygote.file_worker(theirs)
            self._socket = ours
        except BaseException as error:
            ours.close()
            _AT_ONCE.release()
            if isinstance(error, RequestError):
                raise RequestError("internal_error", "no file worker could be made") from None
            raise
        finally:
            theirs.close()

    def close(self) -> None:
        """End the conversation; a worker that does not end by itself is killed. Idempotent."""
        if self._socket is None:
            return
        self._socket.close()
        self._socket = None
        _AT_ONCE.release()
        child = self._child
        if child is not None:
            killing = self._loop.call_later(_LINGER_S, child.kill)
            child.ended.add_done_callback(lambda _: killing.cancel())

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        """Send the command and wait for the answer. Raises `RequestError` when that is a refusal."""
        await self._send(json.dumps(command).encode() + b"\n")
        return await self.answer()

    async def answer(self) -> dict[str, Any]:
        """The next line from the worker. Raises `RequestError`."""
        parts: list[bytes] = []
        length = 0
        while True:
            data = await self._receive(64 * 1024)
            line, newline, rest = data.partition(b"\n")
            parts.append(line)
            length += len(line)
            if newline:
                self._rest = rest
                break
            if length > _LINE_BYTES:
                raise RequestError("internal_error", "the file worker's answer is too long")
        try:
            answer = json.loads(b"".join(parts))
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise RequestError("internal_error", "the file worker's answer is invalid")
        if answer.get("ok") is not True:
            code, detail = answer.get("code"), answer.get("detail")
            known = isinstance(code, str) and code in STATUS_OF
            raise RequestError(str(code) if known else "internal_error", str(detail)[:1024])
        return answer

    async def receive(self, limit: int) -> bytes:
        """At least one and at most `limit` bytes of a file. Raises `RequestError`."""
        if self._rest:
            data, self._rest = self._rest[:limit], self._rest[limit:]
            return data
        return await self._receive(min(limit, _CHUNK_BYTES))

    async def send_chunk(self, data: bytes) -> None:
        """A part of a file to write; an empty one ends it. Raises `RequestError`."""
        await self._send(struct.pack(">I", len(data)) + data)

    async def _send(self, data: bytes) -> None:
        try:
            async with asyncio.timeout(_ANSWER_S):
                await self._loop.sock_sendall(self._open_socket(), data)
        except TimeoutError:
            raise RequestError("internal_error", "the file worker takes nothing") from None
        except OSError:
            # It may have said why before it went.
            await self.answer()

    async def _receive(self, limit: int) -> bytes:
        if self._rest:
            data, self._rest = self._rest, b""
            return data
        try:
            async with asyncio.timeout(_ANSWER_S):
                data = await self._loop.sock_recv(self._open_socket(), limit)
        except (TimeoutError, OSError):
            data = b""
        if not data:
            raise RequestError("internal_error", "the file worker ended or does not answer")
        return data

    def _open_socket(self) -> socket.socket:
        if self._socket is None:
            raise RequestError("internal_error", "the file worker is gone")
        return self._socket


def size(answer: dict[str, Any], name: str) -> int:
    """A size in a worker's answer. Raises `RequestError`."""
    value = answer.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise RequestError("internal_error", "the file worker's answer is invalid")
    return value


def digits(answer: dict[str, Any], name: str) -> str:
    """A number too large for JSON, in digits. Raises `RequestError`."""
    value = answer.get(name)
    if not isinstance(value, str) or not _DIGITS.fullmatch(value):
        raise RequestError("internal_error", "the file worker's answer is invalid")
    return value
