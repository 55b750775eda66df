"""Jupyter messages on the wire: those a kernel sends, read with suspicion, and those kerneld makes."""

import json
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_DELIMITER = b"<IDS|MSG>"
_MAX_HEADER_BYTES = 64 * 1024
MAX_METADATA_BYTES = 256 * 1024
_MSG_TYPE = re.compile(r"[A-Za-z_]{1,64}")
_MSG_ID = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,160}")
_SESSION = secrets.token_hex(16)


class InvalidMessage(ValueError):
    """What came from a kernel is not a Jupyter message."""


@dataclass(slots=True)
class Message:
    """A message from a kernel; `metadata` and `content` are still the kernel's bytes."""

    msg_type: str
    msg_id: str
    parent_id: str | None
    metadata: bytes
    content: bytes
    parts: Sequence[bytes] = ()
    """All of it as the kernel sent it: header, parent, metadata, content, buffers."""


class MessageReader:
    """Reads the messages of one kernel; remembers the last parent, which most messages share."""

    def __init__(self) -> None:
        self._parent = b""
        self._parent_id: str | None = None
        self.session = ""
        """The `header.session` of the last message: a kernel's own, of each generation another."""

    def read(self, parts: list[bytes]) -> Message:
        """The message in these ZeroMQ parts. Raises `InvalidMessage`."""
        try:
            start = parts.index(_DELIMITER, 0, 4) + 2
            header, parent, metadata, content = parts[start : start + 4]
        except ValueError:
            raise InvalidMessage("the parts are not those of a Jupyter message") from None
        if len(header) + len(parent) > _MAX_HEADER_BYTES:
            raise InvalidMessage("the header is too large")
        if parent != self._parent:
            self._parent_id = identifier(json_object(parent).get("msg_id"))
            self._parent = parent
        fields = json_object(header)
        msg_type = fields.get("msg_type")
        if not isinstance(msg_type, str) or not _MSG_TYPE.fullmatch(msg_type):
            raise InvalidMessage("the message type is not one")
        msg_id = identifier(fields.get("msg_id")) or secrets.token_hex(16)
        self.session = fields.get("session", "")
        if len(metadata) > MAX_METADATA_BYTES:
            metadata = b"{}"
        return Message(msg_type, msg_id, self._parent_id, metadata, content, parts[start:])


def relayed(parts: Sequence[bytes]) -> list[bytes]:
    """The ZeroMQ parts of another client's message: its own bytes, unsigned."""
    return [_DELIMITER, b"", *parts]


def request(
    msg_type: str,
    msg_id: str,
    content: dict[str, Any],
    metadata: dict[str, Any],
    buffers: Sequence[bytes] = (),
) -> list[bytes]:
    """The ZeroMQ parts of a message to a kernel, unsigned."""
    header = {
        "msg_id": msg_id,
        "msg_type": msg_type,
        "username": "kerneld",
        "session": _SESSION,
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "version": "5.4",
    }
    return [_DELIMITER, b"", _json(header), b"{}", _json(metadata), _json(content), *buffers]


def reply_to(header_id: str, msg_type: str, content: dict[str, Any]) -> list[bytes]:
    """The parts of an answer on the stdin channel."""
    parts = request(msg_type, secrets.token_hex(16), content, {})
    parts[3] = _json({"msg_id": header_id, "msg_type": "input_request", "session": _SESSION})
    return parts


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def json_object(data: bytes) -> dict[str, Any]:
    """The JSON object in a part. Raises `InvalidMessage`."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise InvalidMessage("a part is not JSON") from None
    if not isinstance(value, dict):
        raise InvalidMessage("a part is not a JSON object")
    return value


def identifier(value: object) -> str | None:
    """The value, where it can be a message's id."""
    return value if isinstance(value, str) and _MSG_ID.fullmatch(value) else None
