"""Jupyter messages as ZeroMQ frames (Jupyter messaging protocol 5.4), unsigned."""

import itertools
import json
import os
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import zmq
from jupyter_client.session import DELIM, Session

from . import parents
from .packing import MAX_MESSAGE, pack, pack_content
from .parents import Parent

PROTOCOL_VERSION = "5.4"


class FrameSink(Protocol):
    """A socket, as far as a session needs one."""

    def send_multipart(self, frames: Sequence[Any]) -> Any: ...


class MalformedMessage(Exception):
    """Frames that are not a Jupyter message."""


class KernelSession(Session):
    """jupyter_client's session without what costs time: signatures, dates as objects, a second look at each message.

    Libraries reach it as `get_ipython().kernel.session`, so it keeps `msg` and `send` as they are known.
    """

    def __init__(self, **traits: Any):
        super().__init__(key=b"", check_pid=False, **traits)
        self.renew()

    def renew(self) -> None:
        """Take an identity of its own: what a fork inherited belongs to its siblings too."""
        self.session = uuid.uuid4().hex
        self._counter = itertools.count(1)
        self._head = f"{self.session}_{os.getpid()}_"
        self._tail = f'","username":"kernel","session":"{self.session}","version":"{PROTOCOL_VERSION}"}}'

    def _header_parts(self, msg_type: str) -> tuple[str, str]:
        date = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        return f"{self._head}{next(self._counter)}", date

    def msg_header(self, msg_type: str) -> dict[str, Any]:
        """The header of a new message."""
        msg_id, date = self._header_parts(msg_type)
        return {
            "msg_id": msg_id,
            "msg_type": msg_type,
            "username": "kernel",
            "session": self.session,
            "date": date,
            "version": PROTOCOL_VERSION,
        }

    def msg(
        self,
        msg_type: str,
        content: dict[str, Any] | None = None,
        parent: dict[str, Any] | None = None,
        header: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """A message as a dictionary."""
        header = self.msg_header(msg_type) if header is None else header
        return {
            "header": header,
            "msg_id": header["msg_id"],
            "msg_type": header["msg_type"],
            "parent_header": _header_of(parent),
            "content": {} if content is None else content,
            "metadata": {} if metadata is None else metadata,
        }

    def send(  # type: ignore[override]
        self,
        stream: FrameSink | None,
        msg_or_type: dict[str, Any] | str,
        content: dict[str, Any] | None = None,
        parent: dict[str, Any] | None = None,
        ident: bytes | list[bytes] | None = None,
        buffers: list[Any] | None = None,
        track: bool = False,
        header: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> dict[str, Any] | None:
        """Build a message, or take a built one, and send it; raises `ValueError` for buffers beyond all bounds."""
        if stream is None:
            return None
        if isinstance(msg_or_type, dict):
            message = msg_or_type
            buffers = buffers or message.get("buffers")
        else:
            message = self.msg(msg_or_type, content, parent, header, metadata)
        buffers = buffers or []
        if sum(memoryview(buffer).nbytes for buffer in buffers) > MAX_MESSAGE:
            raise ValueError(f"buffers of a message may have {MAX_MESSAGE} bytes together")
        identities = ident if isinstance(ident, list) else [] if ident is None else [ident]
        frames = [
            *identities,
            DELIM,
            b"",
            pack(message["header"]),
            _packed_header(message["parent_header"]),
            pack(message["metadata"]) if message["metadata"] else b"{}",
            pack_content(message["content"]),
            *buffers,
        ]
        stream.send_multipart(frames)
        return message

    def frames(self, topic: bytes, msg_type: str, content: bytes, parent: Parent) -> list[bytes]:
        """The short way to a message of our own, with `content` packed."""
        msg_id, date = self._header_parts(msg_type)
        header = f'{{"msg_id":"{msg_id}","date":"{date}","msg_type":"{msg_type}{self._tail}'
        return [topic, DELIM, b"", header.encode(), parent.packed, b"{}", content]


def next_message(socket: zmq.Socket[bytes]) -> Parent | None:
    """The next message that is there already; what is not a message is skipped."""
    while True:
        try:
            return _read_message(socket.recv_multipart(zmq.NOBLOCK))
        except zmq.Again:
            return None
        except MalformedMessage:
            continue


def _read_message(frames: list[bytes]) -> Parent:
    try:
        start = frames.index(DELIM)
        header, parent_header, metadata, content = (
            json.loads(frame) for frame in frames[start + 2 : start + 6]
        )
    except (ValueError, RecursionError) as error:
        raise MalformedMessage(str(error)) from error
    parts = (header, parent_header, metadata, content)
    if not all(isinstance(part, dict) for part in parts) or not isinstance(header.get("msg_type"), str):
        raise MalformedMessage("parts must be objects, and the header must have a msg_type")
    message = {
        "header": header,
        "msg_id": header.get("msg_id"),
        "msg_type": header["msg_type"],
        "parent_header": parent_header,
        "metadata": metadata,
        "content": content,
        "buffers": [memoryview(frame) for frame in frames[start + 6 :]],
    }
    return Parent(message, frames[:start], frames[start + 2])


def _header_of(parent: dict[str, Any] | None) -> dict[str, Any]:
    """The header of a message, or the header itself."""
    if not parent:
        return {}
    return parent.get("header", parent)


def _packed_header(header: dict[str, Any]) -> bytes:
    parent = parents.current()
    return parent.packed if header is parent.header else pack(header)
