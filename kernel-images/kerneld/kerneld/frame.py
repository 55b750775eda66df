"""Frames: how one record of the journal travels and is kept (PROTOCOL.md section 3)."""

import json
import re
import struct
from collections.abc import Sequence
from typing import Any

MAX_HEAD_BYTES = 1024 * 1024

_LENGTHS = struct.Struct(">II")
_SURROGATE = re.compile("[\ud800-\udfff]")


def encode_frame(n: int, at: int, body: Sequence[bytes], blobs: Sequence[bytes] = ()) -> bytes:
    """A frame whose head has `n`, `at` and then the members in `body`, which join to JSON without the braces."""
    start = b'{"n":%d,"at":%d,' % (n, at)
    head_length = len(start) + 1 + sum(map(len, body))
    length = 4 + head_length + sum(map(len, blobs))
    return b"".join((_LENGTHS.pack(length, head_length), start, *body, b"}", *blobs))


def encode_part(head: dict[str, Any], rest: bytes = b"") -> bytes:
    """A frame outside of the journal: any head whose strings are well-formed, and what follows it."""
    data = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    return b"".join((_LENGTHS.pack(4 + len(data) + len(rest), len(data)), data, rest))


def members(**values: Any) -> bytes:
    """JSON members for a head, of values whose strings are well-formed."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))[1:-1].encode()


def dump(value: Any) -> bytes:
    """JSON text of a parsed value, made representable: no NaN, no infinity, no lone surrogate."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text).encode()


def well_formed(text: str) -> bytes:
    """UTF-8 of a string, with U+FFFD for lone surrogates."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text).encode()


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value
