"""Messages from Jupyter clients, and those that kerneld makes in a kernel's name."""

import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kerneld.messages import InvalidMessage, identifier, json_object
from kerneld.jupyter.frames import decode_message

OWN_IDS = "kerneld:"
"""Ids that begin with this are kerneld's."""

_CHANNELS = {b"shell": "shell", b"control": "control", b"stdin": "stdin"}
_MAX_HEADER_BYTES = 64 * 1024
_MSG_TYPE = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_VERSION = "5.4"


@dataclass(slots=True)
class ClientMessage:
    """A message as the client sent it: `parts` are header, parent, metadata, content and buffers."""

    channel: str
    msg_type: str
    msg_id: str
    session: str
    content: dict[str, Any]
    parts: list[bytes]
    size: int


def read(payload: bytes) -> ClientMessage:
    """The message in a frame of a client's. Raises `InvalidMessage`."""
    name, parts = decode_message(payload)
    channel = _CHANNELS.get(name)
    if channel is None:
        raise InvalidMessage("the channel must be shell, control or stdin")
    if len(parts) < 4:
        raise InvalidMessage("a message has header, parent, metadata and content")
    if len(parts[0]) > _MAX_HEADER_BYTES:
        raise InvalidMessage(f"the header is over {_MAX_HEADER_BYTES} bytes")
    # A kernel drops what it cannot parse without a word, and its client would wait for ever.
    header, _, _, content = (json_object(part) for part in parts[:4])
    msg_type, session = header.get("msg_type"), header.get("session")
    msg_id = identifier(header.get("msg_id"))
    if not isinstance(msg_type, str) or not _MSG_TYPE.fullmatch(msg_type):
        raise InvalidMessage("the header's msg_type is not one")
    if msg_id is None or msg_id.startswith(OWN_IDS):
        raise InvalidMessage("the header's msg_id must be 1 to 160 of A-Z a-z 0-9 . _ ~ : / + = @ -")
    return ClientMessage(
        channel,
        msg_type,
        msg_id,
        session if isinstance(session, str) else "",
        content,
        parts,
        len(payload),
    )


def made(msg_type: str, content: dict[str, Any], parent: bytes, session: str) -> list[bytes]:
    """The parts of a message of kerneld's in the name of the kernel whose `header.session` is given.

    Clients take the session of the last message for the kernel's, and drop what they have of another.
    """
    header = {
        "msg_id": f"{OWN_IDS}{secrets.token_hex(12)}",
        "msg_type": msg_type,
        "username": "kernel",
        "session": session,
        "date": datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "version": _VERSION,
    }
    return [_json(header), parent, b"{}", _json(content)]


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
