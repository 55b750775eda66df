"""What travels on the connection of the Jupyter clients (PROTOCOL.md section 7)."""

import json
import struct
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from kerneld.messages import InvalidMessage

MAX_PAYLOAD_BYTES = 128 * 1024 * 1024

ATTACH = 1
"""From the gateway: a client of a kernel begins."""
ATTACHED = 1
"""To the gateway: the client's first frame."""
MESSAGE = 2
"""A message from or to one client."""
DETACH = 3
"""From the gateway: the client has gone."""
BROADCAST = 3
"""To the gateway: a message to all clients of a kernel."""
CLOSED = 4
"""To the gateway: the client's last frame."""

HOLD = 5
"""From the gateway: the clients of a kernel do not keep up with it."""
RESUME = 6
"""From the gateway: they do again."""

_HEAD = struct.Struct(">IBI")
_LENGTH_BYTES = 4
_KIND_BYTES = _HEAD.size - _LENGTH_BYTES
_OFFSET_BYTES = 8
_FIXED_PARTS = 5
_MAX_BUFFERS = 4096


class Frame(NamedTuple):
    """One frame; `target` is a client's number, or of a broadcast the kernel's."""

    kind: int
    target: int
    payload: bytes


class FrameError(ValueError):
    """What came is no frame."""


def encode(kind: int, target: int, payload: bytes) -> bytes:
    """A frame."""
    return _HEAD.pack(_KIND_BYTES + len(payload), kind, target) + payload


def encode_object(kind: int, target: int, value: dict[str, Any]) -> bytes:
    """A frame with JSON in it."""
    return encode(kind, target, json.dumps(value, separators=(",", ":")).encode())


class FrameReader:
    """Takes bytes as they come and gives frames."""

    def __init__(self) -> None:
        self._held = bytearray()

    def push(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete now. Raises `FrameError`."""
        held = self._held
        held += data
        start = 0
        while len(held) - start >= _HEAD.size:
            length, kind, target = _HEAD.unpack_from(held, start)
            if not _KIND_BYTES <= length <= MAX_PAYLOAD_BYTES:
                raise FrameError("a frame's length is out of range")
            end = start + _LENGTH_BYTES + length
            if len(held) < end:
                break
            yield Frame(kind, target, bytes(memoryview(held)[start + _HEAD.size : end]))
            start = end
        del held[:start]


def encode_message(channel: bytes, parts: Sequence[bytes]) -> bytes:
    """A message as `v1.kernel.websocket.jupyter.org` has it: header, parent, metadata, content, buffers."""
    count = len(parts) + 2
    offset = _OFFSET_BYTES * (count + 1)
    offsets = [count, offset]
    for part in (channel, *parts):
        offset += len(part)
        offsets.append(offset)
    return b"".join((struct.pack(f"<{count + 1}Q", *offsets), channel, *parts))


def decode_message(data: bytes) -> tuple[bytes, list[bytes]]:
    """The channel and the parts. Raises `InvalidMessage`."""
    if len(data) < _OFFSET_BYTES:
        raise InvalidMessage("the message is too short")
    count = int.from_bytes(data[:_OFFSET_BYTES], "little")
    if not _FIXED_PARTS + 1 <= count <= _FIXED_PARTS + 1 + _MAX_BUFFERS:
        raise InvalidMessage(f"the number of offsets must be 6 to {_FIXED_PARTS + 1 + _MAX_BUFFERS}")
    begin = _OFFSET_BYTES * (count + 1)
    if len(data) < begin:
        raise InvalidMessage("the message ends within its offsets")
    offsets = struct.unpack_from(f"<{count}Q", data, _OFFSET_BYTES)
    previous = begin
    for offset in offsets:
        if not previous <= offset <= len(data):
            raise InvalidMessage("the offsets do not rise, or lead out of the message")
        previous = offset
    channel, *parts = (data[offsets[i] : offsets[i + 1]] for i in range(count - 1))
    return channel, parts
