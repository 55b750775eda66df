"""What the gateway says of a zygote when it launches one."""

import json
import os
from typing import NamedTuple

from . import fields
from .cgroups import Hierarchy


class IdRange(NamedTuple):
    """Ids of the host for a user namespace, where they are 0 and up."""

    first: int
    length: int


class Configuration(NamedTuple):
    """All paths are the host's and absolute."""

    root: str
    layer: str
    links: str
    """The directory below which every sandbox's link directory is."""
    sockets: str
    ids: IdRange | None
    """None: the caller's own id alone."""
    hierarchies: list[Hierarchy]
    preload: list[str]


def parse(data: bytes) -> Configuration:
    """Raises `ValueError`."""
    value = json.loads(data)
    if not isinstance(value, dict):
        raise ValueError("the configuration is an object")
    ids = value.get("ids")
    return Configuration(
        _path(value, "root"),
        _path(value, "layer"),
        _path(value, "links"),
        _path(value, "sockets"),
        None if ids is None else _range(fields.object_in(value, "ids")),
        [
            Hierarchy(_name(item), fields.number(item, "version", least=1, most=2), _path(item, "path"))
            for item in fields.objects_in(value, "cgroups")
        ],
        fields.texts(value, "preload"),
    )


def _path(value: fields.Object, name: str) -> str:
    path = fields.text(value, name)
    if not os.path.isabs(path):
        raise ValueError(f"{name} must be an absolute path")
    return path


def _name(value: fields.Object) -> str:
    name = fields.relative(value, "hierarchy")
    if "/" in name:
        raise ValueError("hierarchy must be a name")
    return name


def _range(value: fields.Object) -> IdRange:
    most = 2**32 - 2
    return IdRange(fields.number(value, "first", least=1, most=most), fields.number(value, "count", least=1, most=most))
