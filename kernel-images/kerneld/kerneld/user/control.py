"""The zygote's end of its conversation with kerneld (PROTOCOL.md section 4)."""

import json
import os
import socket
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

_MAX_MESSAGE = 64 * 1024


class ControlError(Exception):
    """kerneld said what is not in the protocol; nothing that follows can be trusted."""


class Ping(NamedTuple):
    id: int


class StartKernel(NamedTuple):
    """Fork a kernel; `ready` is the pipe that it writes to once it can be connected to."""

    id: int
    kernel_id: str
    language: str
    directory: str
    env: dict[str, str]
    cwd: str | None
    ready: int


class StartFileWorker(NamedTuple):
    """Fork a worker that serves the stream socket `connection`."""

    id: int
    connection: int


class Prepare(NamedTuple):
    """Start a kernel ahead: one will be asked for soon."""


class Reap(NamedTuple):
    pid: int


Request = Ping | StartKernel | StartFileWorker | Prepare | Reap


class ControlChannel:
    """A `SOCK_SEQPACKET` socket on which nothing waits: what does not fit is kept until there is room."""

    def __init__(self, descriptor: int):
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(False)
        self._unsent: deque[tuple[bytes, int | None]] = deque()

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def has_unsent(self) -> bool:
        return bool(self._unsent)

    def receive(self) -> Request | None:
        """The next request, none where none waits; raises `ControlError`, and `EOFError` when kerneld is gone."""
        try:
            data, descriptors, flags, _ = socket.recv_fds(self._socket, _MAX_MESSAGE + 1, 4)
        except BlockingIOError:
            return None
        except ConnectionError as error:
            raise EOFError from error
        if not data and not descriptors:
            raise EOFError
        if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC) or len(data) > _MAX_MESSAGE or len(descriptors) > 1:
            raise ControlError("message with more than it may have")
        descriptor = descriptors[0] if descriptors else None
        if descriptor is not None:
            os.set_inheritable(descriptor, False)
        try:
            return parse(data, descriptor)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ControlError(f"malformed message: {error!r}") from error

    def send(self, message: Mapping[str, Any], descriptor: int | None = None) -> None:
        """Send, or keep until `flush`; `descriptor` is closed once it is sent."""
        self._unsent.append((json.dumps(message).encode(), descriptor))
        self.flush()

    def flush(self) -> None:
        """Send what was kept, as far as there is room; raises `EOFError` when kerneld is gone."""
        while self._unsent:
            data, descriptor = self._unsent[0]
            try:
                socket.send_fds(self._socket, [data], [] if descriptor is None else [descriptor])
            except BlockingIOError:
                return
            except ConnectionError as error:
                raise EOFError from error
            self._unsent.popleft()
            if descriptor is not None:
                os.close(descriptor)

    def close(self) -> None:
        """Close this process' end, and the descriptors that were not sent."""
        self._socket.close()
        for _, descriptor in self._unsent:
            if descriptor is not None:
                os.close(descriptor)
        self._unsent.clear()


def parse(data: bytes, descriptor: int | None) -> Request:
    """The request in a message; raises `ValueError`, `KeyError` or `TypeError` for anything else."""
    message = json.loads(data)
    match _text(message["op"]):
        case "ping":
            return Ping(_integer(message["id"]))
        case "prepare":
            return Prepare()
        case "reap":
            return Reap(_integer(message["pid"]))
        case "file":
            return StartFileWorker(_integer(message["id"]), _present(descriptor))
        case "kernel":
            env = message.get("env") or {}
            if not isinstance(env, dict):
                raise TypeError("env must be an object")
            cwd = message.get("cwd")
            return StartKernel(
                _integer(message["id"]),
                _text(message["kernel_id"]),
                _text(message["language"]),
                _text(message["directory"]),
                {name: _text(value) for name, value in env.items()},
                None if cwd is None else _text(cwd),
                _present(descriptor),
            )
        case other:
            raise ValueError(f"unknown op {other!r}")


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("an integer is needed")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is needed")
    return value


def _present(descriptor: int | None) -> int:
    if descriptor is None:
        raise ValueError("the message needs a descriptor")
    return descriptor
