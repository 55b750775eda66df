"""The content of a kernel's message: parsed once, made safe to pass on, and cut to what a frame may hold."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kerneld.artifacts import Artifacts
from kerneld.frame import MAX_HEAD_BYTES, dump, well_formed
from kerneld.messages import InvalidMessage

BLOB_BYTES = 256 * 1024
ARTIFACT_BYTES = 4 * 1024 * 1024

_MAX_DEPTH = 64
_MAX_CONTAINERS = 1_000_000
_LARGE_BYTES = 4 * 1024 * 1024
_BLOBS_BYTES = 20 * 1024 * 1024
_MAX_CONTENT_BYTES = MAX_HEAD_BYTES - 320 * 1024
"""Leaves a head room for metadata and for what kerneld adds."""
_MAX_NAME = 256
_MAX_BUFFERS = 256
_MAX_STRING = 64 * 1024
_MAX_TRACEBACK = 320 * 1024
_RICH = ("execute_result", "display_data", "update_display_data")


@dataclass(slots=True)
class Content:
    """Content that may be passed on: `data` is JSON text of at most `_MAX_CONTENT_BYTES`."""

    value: dict[str, Any]
    data: bytes
    blobs: list[bytes] = field(default_factory=list[bytes])
    blob_heads: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    dropped_buffers: int = 0


class _Constants:
    """Reads NaN and the infinities, which are not JSON, as null, and remembers that there were some."""

    seen = False

    def __call__(self, _: str) -> None:
        self.seen = True


_constants = _Constants()
_decoder = json.JSONDecoder(parse_constant=_constants)


def parse(data: bytes) -> tuple[dict[str, Any], bool]:
    """The JSON object in `data`, and whether `data` itself may be passed on as it is. Raises `InvalidMessage`."""
    verbatim = True
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode(errors="replace")
        verbatim = False
    containers = text.count("{") + text.count("[")
    if len(data) > _LARGE_BYTES and containers > _MAX_CONTAINERS:
        raise InvalidMessage("the content has too many parts")
    _constants.seen = False
    try:
        value = _decoder.decode(text)
    except (ValueError, RecursionError):
        raise InvalidMessage("the content is not JSON") from None
    if not isinstance(value, dict):
        raise InvalidMessage("the content is not a JSON object")
    if containers > _MAX_DEPTH and _deeper(value, _MAX_DEPTH):
        raise InvalidMessage("the content is nested too deeply")
    if _constants.seen or "\\ud" in text or "\\uD" in text:
        verbatim = False
    return value, verbatim


def fit(msg_type: str, data: bytes, artifacts: Artifacts) -> Content:
    """The content of a message of `msg_type`, with values that are too large taken out. Raises `InvalidMessage`."""
    value, verbatim = parse(data)
    content = Content(value, data)
    if len(data) > BLOB_BYTES and msg_type in _RICH:
        verbatim = _take_out(content, artifacts) and verbatim
    if not verbatim:
        content.data = dump(content.value)
    if len(content.data) > _MAX_CONTENT_BYTES:
        content.value = _shortened(msg_type, content.value, len(data))
        content.data = dump(content.value)
        content.blobs, content.blob_heads = [], []
    return content


def attach(content: Content, buffers: Sequence[bytes]) -> None:
    """Have the buffers of a comm's message travel with its content, all of them or none: they count by their places."""
    large = any(len(buffer) > ARTIFACT_BYTES for buffer in buffers)
    if large or len(buffers) > _MAX_BUFFERS or sum(map(len, buffers)) > _BLOBS_BYTES:
        content.dropped_buffers = len(buffers)
        return
    for place, buffer in enumerate(buffers):
        content.blobs.append(buffer)
        content.blob_heads.append({"key": str(place), "kind": "buffer", "bytes": len(buffer)})


def _take_out(content: Content, artifacts: Artifacts) -> bool:
    """Move large MIME values into blobs and artifacts; whether nothing was changed."""
    bundle = content.value.get("data")
    if not isinstance(bundle, dict):
        return True
    kept: list[dict[str, Any]] = []
    unchanged = True
    room = _BLOBS_BYTES
    for mime, item in list(bundle.items()):
        if len(mime) > _MAX_NAME or not mime.isascii():
            continue
        kind = "text" if isinstance(item, str) else "json"
        if kind == "text" and len(item) * 4 <= BLOB_BYTES:
            continue
        data = well_formed(item) if isinstance(item, str) else dump(item)
        if len(data) <= BLOB_BYTES:
            continue
        unchanged = False
        del bundle[mime]
        if len(data) > ARTIFACT_BYTES or len(data) > room:
            identifier = artifacts.keep(mime, data)
            kept.append({"id": identifier, "mime": mime, "bytes": len(data), "kind": kind})
        else:
            room -= len(data)
            content.blobs.append(data)
            content.blob_heads.append({"key": mime, "kind": kind, "bytes": len(data)})
    if kept:
        _note_lost(bundle, kept, {head["key"] for head in content.blob_heads})
        metadata = content.value.get("metadata")
        own = metadata if isinstance(metadata, dict) else {}
        content.value["metadata"] = {**own, "hotcell": {"artifacts": kept}}
    return unchanged


def _note_lost(bundle: dict[str, Any], artifacts: list[dict[str, Any]], blobs: set[str]) -> None:
    """Say in the bundle's text which of its artifacts were not kept, unless that text is elsewhere."""
    if "text/plain" in blobs or any(a["mime"] == "text/plain" and a["id"] for a in artifacts):
        return
    notes = [
        f"[{a['mime']} of {a['bytes']} bytes left out: too large to be kept]"
        for a in artifacts
        if a["id"] is None
    ]
    text = bundle.get("text/plain")
    if notes:
        bundle["text/plain"] = "\n".join([text, *notes] if isinstance(text, str) else notes)


def _shortened(msg_type: str, value: dict[str, Any], size: int) -> dict[str, Any]:
    """What stands for content that fits in no frame."""
    if msg_type == "error":
        lines = value.get("traceback")
        text = "\n".join(map(str, lines)) if isinstance(lines, list) else ""
        return {
            "ename": _cut(str(value.get("ename")), _MAX_STRING),
            "evalue": _cut(str(value.get("evalue")), _MAX_STRING),
            "traceback": [_cut(text, _MAX_TRACEBACK)],
        }
    if msg_type in _RICH:
        note = f"[{msg_type} of {size} bytes: too many or too large parts to keep]"
        short: dict[str, Any] = {"data": {"text/plain": note}, "metadata": {}}
        for name in ("execution_count", "transient"):
            if name in value and len(dump(value[name])) <= _MAX_STRING:
                short[name] = value[name]
        return short
    short = {
        name: item
        for name, item in value.items()
        if len(name) <= _MAX_NAME
        and (isinstance(item, bool | int | float) or (isinstance(item, str) and len(item) <= 1024))
    }
    return dict(list(short.items())[:32]) | {"data": {}}


def _cut(text: str, limit: int) -> str:
    """`text`, of which the middle is left out when its JSON would have more than `limit` bytes."""
    size = len(dump(text))
    if size <= limit:
        return text
    # In proportion, then to the worst case of six bytes for a character.
    for share in (len(text) * limit // size, limit // 6 - 32):
        half = max(0, share // 2 - 32)
        short = f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[len(text) - half :]}"
        if len(dump(short)) <= limit:
            break
    return short


def _deeper(value: dict[str, Any], limit: int) -> bool:
    level: list[Any] = [value]
    for _ in range(limit):
        level = [
            item
            for container in level
            for item in (container.values() if isinstance(container, dict) else container)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True
