"""Values of a JSON object from the gateway, each checked as it is taken."""

from collections.abc import Mapping
from typing import Any

type Object = Mapping[str, Any]


def text(value: Object, name: str) -> str:
    """Raises `ValueError` with the field's name, as all of these."""
    found = value.get(name)
    if not isinstance(found, str) or "\0" in found:
        raise ValueError(f"{name} must be a text")
    return found


def texts(value: Object, name: str) -> list[str]:
    found = value.get(name)
    if not isinstance(found, list) or not all(isinstance(item, str) and "\0" not in item for item in found):
        raise ValueError(f"{name} must be a list of texts")
    return found


def number(value: Object, name: str, *, least: int = 0, most: int = 2**53) -> int:
    found = value.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= most:
        raise ValueError(f"{name} must be an integer from {least} to {most}")
    return found


def object_in(value: Object, name: str) -> Object:
    found = value.get(name)
    if not isinstance(found, dict):
        raise ValueError(f"{name} must be an object")
    return found


def objects_in(value: Object, name: str) -> list[Object]:
    found = value.get(name)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ValueError(f"{name} must be a list of objects")
    return found


def relative(value: Object, name: str) -> str:
    """A path that leads to something below where it begins."""
    path = text(value, name)
    parts = path.split("/")
    if not path or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"{name} must be a path below its directory")
    return path
