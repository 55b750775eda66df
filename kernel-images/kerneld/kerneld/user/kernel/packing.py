"""JSON for the wire: every object that user code hands to Jupyter becomes valid UTF-8 JSON of a bounded size."""

import json
import math
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from numbers import Integral, Real

MAX_MESSAGE = 64 * 1024 * 1024
"""Bytes of content that a message may have at most."""

_MAX_DEPTH = 200
_CUT_STRING = 256 * 1024


def pack(value: object) -> bytes:
    """`value` as UTF-8 JSON: NaN becomes null, bytes base64, an unpaired surrogate U+FFFD, anything foreign text."""
    try:
        text = _encode(value)
    except (TypeError, ValueError, RecursionError):
        text = _encode(_cleaned(value, 0))
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Through UTF-16 two surrogates that make a pair become their character, the others the replacement.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def pack_content(content: Mapping[str, object]) -> bytes:
    """`pack`, but what is over `MAX_MESSAGE` is left out, with a note in its place."""
    packed = pack(content)
    if len(packed) <= MAX_MESSAGE:
        return packed
    data = content.get("data")
    if isinstance(data, Mapping):
        packed = pack({**content, "data": _without_the_large(data)})
    if len(packed) > MAX_MESSAGE:
        packed = pack(_cut(content))
    return packed if len(packed) <= MAX_MESSAGE else pack({"hotcell": "content over 64 MiB left out"})


def _default(value: object) -> object:
    """What the encoder does not know by itself (`json.JSONEncoder`'s `default`)."""
    if isinstance(value, bytes | bytearray | memoryview):
        return b64encode(value).decode("ascii")
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return _finite(float(value))
    # numpy.bool_ is not a number to the numbers module.
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return value.item()  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_default
).encode


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _cleaned(value: object, depth: int) -> object:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return _finite(value)
    if depth > _MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return {
            key if isinstance(key, str) else str(key): _cleaned(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned(item, depth + 1) for item in value]
    try:
        return _cleaned(_default(value), depth + 1)
    except (TypeError, ValueError, OverflowError):
        return _safe_repr(value)


def _safe_repr(value: object) -> str:
    try:
        return repr(value)
    except Exception:
        return f"<{type(value).__name__}>"


def _without_the_large(data: Mapping[str, object]) -> dict[str, object]:
    """A MIME bundle of which the largest values were taken until the rest fits into one message."""
    sizes = {mime: len(pack(value)) for mime, value in data.items()}
    kept = dict(data)
    notes: list[str] = []
    room = MAX_MESSAGE - 1024 * 1024
    for mime in sorted(sizes, key=lambda mime: sizes[mime], reverse=True):
        if sum(sizes[key] for key in kept) <= room:
            break
        del kept[mime]
        notes.append(f"[{mime} of {sizes[mime]} bytes left out: over {MAX_MESSAGE} bytes]")
    text = kept.get("text/plain")
    kept["text/plain"] = "\n".join(notes if text is None else [str(text), *notes])
    return kept


def _cut(value: object) -> object:
    """The same with every long string cut short."""
    if isinstance(value, str) and len(value) > _CUT_STRING:
        return f"{value[:_CUT_STRING]}… [{len(value) - _CUT_STRING} characters left out]"
    if isinstance(value, Mapping):
        return {key: _cut(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cut(item) for item in value]
    return value
