"""Fields of a request's JSON body, checked one by one; what is wrong answers 400 and names the field."""

import base64
import json
import math
import re
from collections.abc import Sequence
from typing import Any

from kerneld.errors import RequestError

RUN_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_KERNEL_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ABSENT: Any = object()

type Body = dict[str, Any]


def body_object(data: bytes) -> Body:
    """The JSON object in a request's body."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise RequestError("invalid_request", "the body is not JSON") from None
    if not isinstance(value, dict):
        raise RequestError("invalid_request", "the body must be a JSON object")
    return value


def only(body: Body, names: Sequence[str]) -> None:
    """Refuse every field that is not among `names`."""
    for name in body:
        if name not in names:
            raise _invalid(name, "is unknown")


def text(body: Body, name: str, default: str = _ABSENT) -> str:
    """A string of Unicode characters; lone surrogates are none."""
    value = _get(body, name, default)
    if not isinstance(value, str):
        raise _invalid(name, "must be a string")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _invalid(name, "has a lone surrogate") from None
    return value


def text_or_null(body: Body, name: str) -> str | None:
    return None if body.get(name) is None else text(body, name)


def boolean(body: Body, name: str) -> bool:
    value = _get(body, name)
    if not isinstance(value, bool):
        raise _invalid(name, "must be true or false")
    return value


def integer(body: Body, name: str, minimum: int, maximum: int = 2**53 - 1) -> int:
    value = _get(body, name)
    if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
        raise _invalid(name, f"must be an integer from {minimum} to {maximum}")
    return value


def seconds(body: Body, name: str, positive: bool = False) -> float:
    """A duration of at most ten years."""
    value = _get(body, name)
    sound = isinstance(value, int | float) and not isinstance(value, bool)
    if not sound or not math.isfinite(value) or not 0 <= value <= 315e6 or (positive and value == 0):
        raise _invalid(name, "must be a number of seconds" + (" above 0" if positive else ""))
    return float(value)


def environment(body: Body, name: str) -> dict[str, str]:
    """Environment variables; absent or null is none."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _invalid(name, "must be an object of strings")
    for key in value:
        setting = text(value, key)
        if not key or "=" in key or "\0" in key + setting:
            raise _invalid(f"{name}.{key}", "is not an environment variable")
        text({name: key}, name)
    return value


def objects(body: Body, name: str) -> list[Body]:
    value = _get(body, name)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _invalid(name, "must be an array of objects")
    return value


def strings(body: Body, name: str) -> list[str]:
    value = _get(body, name)
    if not isinstance(value, list):
        raise _invalid(name, "must be an array of strings")
    return [text({name: item}, name) for item in value]


def json_object(body: Body, name: str) -> Body:
    value = _get(body, name)
    if not isinstance(value, dict):
        raise _invalid(name, "must be an object")
    return value


def binaries(body: Body, name: str, maximum: int) -> list[bytes]:
    """An array of byte strings in base64, of at most `maximum` items."""
    value = _get(body, name)
    if not isinstance(value, list) or len(value) > maximum:
        raise _invalid(name, f"must be an array of at most {maximum} strings")
    found: list[bytes] = []
    for place, item in enumerate(value):
        try:
            found.append(base64.b64decode(item, validate=True))
        except (TypeError, ValueError):
            raise _invalid(f"{name}[{place}]", "is not base64") from None
    return found


def kernel_id(body: Body, name: str) -> str:
    value = text(body, name)
    if not _KERNEL_ID.fullmatch(value):
        raise _invalid(name, "must be a UUID in lower case")
    return value


def run_id(value: str) -> str:
    """A run's id as it stands in a path."""
    if not RUN_ID.fullmatch(value):
        raise _invalid("id", "must be 1 to 128 of A-Z a-z 0-9 . _ ~ -")
    return value


def one_of(body: Body, name: str, allowed: Sequence[str]) -> str:
    value = text(body, name)
    if value not in allowed:
        raise _invalid(name, f"must be one of {', '.join(allowed)}")
    return value


def natural(query: dict[str, str], name: str, default: int) -> int:
    """An integer from 0 in a query."""
    value = query.get(name)
    if value is None:
        return default
    if not re.fullmatch(r"[0-9]{1,16}", value, re.ASCII):
        raise _invalid(name, "must be an integer from 0")
    return int(value)


def _get(body: Body, name: str, default: Any = _ABSENT) -> Any:
    value = body.get(name, default)
    if value is _ABSENT:
        raise _invalid(name, "is missing")
    return value


def _invalid(name: str, what: str) -> RequestError:
    return RequestError("invalid_request", f"{name} {what}")
