"""A file worker: one process that serves one request on a stream socket (PROTOCOL.md section 4)."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from .deleting import delete
from .failures import FileFailure, failure_of
from .reading import MAX_DEPTH, describe, list_directory, open_for_reading, send
from .writing import write

_MAX_REQUEST = 64 * 1024
_CHUNK = 256 * 1024


class _Disconnected(Exception):
    """kerneld has no more interest."""


def serve_file(connection: socket.socket) -> int:
    """Serve the request that comes on `connection`; the process' exit code."""
    connection.setblocking(True)
    with connection, suppress(_Disconnected, ConnectionError):
        stream = connection.makefile("rb", buffering=_CHUNK)
        try:
            _serve(connection, stream)
        except FileFailure as failure:
            _refuse(connection, stream, failure)
        except OSError as error:
            if isinstance(error, ConnectionError):
                raise
            _refuse(connection, stream, failure_of(error))
    return 0


def _serve(connection: socket.socket, stream: Any) -> None:
    request = _request(stream.readline(_MAX_REQUEST))
    path = _field(request, "path", str)
    match request.get("op"):
        case "stat":
            _answer(connection, describe(path))
        case "list":
            depth = _field(request, "depth", int)
            if not 1 <= depth <= MAX_DEPTH:
                raise FileFailure("invalid_request", "depth")
            _answer(connection, list_directory(path, depth))
        case "delete":
            delete(path)
            _answer(connection, {})
        case "write":
            created = write(path, _chunks(connection, stream))
            _answer(connection, {"created": created})
        case "read":
            _read(connection, request, path)
        case _:
            raise FileFailure("invalid_request", "op")


def _read(connection: socket.socket, request: dict[str, Any], path: str) -> None:
    offset = _field(request, "offset", int)
    length = None if request.get("length") is None else _field(request, "length", int)
    if offset < 0 or (length is not None and length < 0):
        raise FileFailure("invalid_request", "offset")
    descriptor, answer = open_for_reading(path, offset, length)
    try:
        _answer(connection, answer)
        send(connection, descriptor, offset, answer["length"])
    finally:
        os.close(descriptor)


def _chunks(connection: socket.socket, stream: Any) -> Iterator[memoryview]:
    """Say that the file can come, and give what comes."""
    _answer(connection, {})
    buffer = memoryview(bytearray(_CHUNK))
    while left := int.from_bytes(_exactly(stream, buffer[:4]), "big"):
        while left:
            count = stream.readinto1(buffer[: min(left, _CHUNK)])
            if count == 0:
                raise _Disconnected
            yield buffer[:count]
            left -= count


def _exactly(stream: Any, buffer: memoryview) -> memoryview:
    if stream.readinto(buffer) < len(buffer):
        raise _Disconnected
    return buffer


def _request(line: bytes) -> dict[str, Any]:
    if not line:
        raise _Disconnected
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict):
        raise FileFailure("invalid_request", "a line of JSON is needed")
    return request


def _field(request: dict[str, Any], name: str, kind: type) -> Any:
    value = request.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise FileFailure("invalid_request", name)
    return value


def _answer(connection: socket.socket, content: dict[str, Any]) -> None:
    connection.sendall(json.dumps({"ok": True, **content}).encode() + b"\n")


def _refuse(connection: socket.socket, stream: Any, failure: FileFailure) -> None:
    answer = {"ok": False, "code": failure.code, "detail": failure.detail}
    connection.sendall(json.dumps(answer).encode() + b"\n")
    connection.shutdown(socket.SHUT_WR)
    # What kerneld was sending is taken still: to close before would make its writing fail before it reads.
    buffer = bytearray(_CHUNK)
    while stream.readinto1(buffer):
        pass
