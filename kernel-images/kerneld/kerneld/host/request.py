"""What the gateway says of one sandbox: read by the sandbox's own first process, never by the zygote."""

import json
import socket
from collections.abc import Callable
from typing import NamedTuple

from . import fields

MAX_LINE = 64 * 1024


class TmpfsSizes(NamedTuple):
    """Bytes of each file system in memory."""

    workspace: int
    tmp: int
    shm: int
    kerneld: int
    kernels: int


class Request(NamedTuple):
    """A sandbox to be."""

    link: str
    """The link's directory, below the one for all links."""
    id: int
    """Uid and gid in the zygote's user namespace."""
    cgroup: str | None
    """Name of its directories below the zygote's cgroups."""
    processes: int
    """How many processes and threads the user side may have."""
    open_files: int
    """How many descriptors one process may have."""
    tmpfs: TmpfsSizes
    program: list[str] | None
    """What both sides execute, for tests; none for kerneld."""


def receive(connection: socket.socket) -> Request | None:
    """The request that comes on `connection`; none where it ends first. Raises `ValueError` for anything else."""
    data = bytearray()
    while not data.endswith(b"\n"):
        part = connection.recv(MAX_LINE + 1 - len(data))
        if not part:
            return None
        data += part
        if len(data) > MAX_LINE or b"\n" in data[:-1]:
            raise ValueError("a request is one line of at most 64 KiB")
    return parse(data)


def parse(data: bytes | bytearray) -> Request:
    """Raises `ValueError`."""
    try:
        value = json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("a request is an object")
    limits = fields.object_in(value, "limits")
    sizes = fields.object_in(limits, "tmpfs")
    return Request(
        fields.relative(value, "link"),
        fields.number(value, "id", most=2**32 - 2),
        _optional(value, "cgroup", fields.relative),
        fields.number(limits, "pids", least=1),
        fields.number(limits, "nofile", least=64),
        TmpfsSizes(*(fields.number(sizes, name, least=4096) for name in TmpfsSizes._fields)),
        _optional(value, "program", fields.texts),
    )


def _optional[Value](
    value: fields.Object, name: str, take: Callable[[fields.Object, str], Value]
) -> Value | None:
    return None if value.get(name) is None else take(value, name)
