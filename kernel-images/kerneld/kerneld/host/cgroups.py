"""A sandbox's control groups, which the gateway has made and limited: joined, watched and shown (cgroups(7))."""

import os
from collections.abc import Sequence
from typing import NamedTuple

from . import mounts

SHOWN = "/sys/fs/cgroup"


class Hierarchy(NamedTuple):
    """One of the machine's hierarchies, or one controller of version 1."""

    name: str
    """Such as `memory`; `unified` is version 2."""
    version: int
    path: str
    """The directory below which those of the sandboxes are."""


def join(hierarchies: Sequence[Hierarchy], name: str) -> None:
    """Move the calling process, which must have one thread, into the groups `name`. Raises `OSError`."""
    for hierarchy in hierarchies:
        # Of version 1 the file for one thread: moving a whole process waits for all processors, some milliseconds.
        file = "tasks" if hierarchy.version == 1 else "cgroup.procs"
        _write(f"{hierarchy.path}/{name}/{file}", "0")


def tell_out_of_memory(hierarchies: Sequence[Hierarchy], name: str, event: int) -> None:
    """Have the eventfd `event` count when the group's memory is used up; version 1 alone can do that."""
    for hierarchy in hierarchies:
        if is_memory_of_version_1(hierarchy):
            directory = f"{hierarchy.path}/{name}"
            control = os.open(f"{directory}/memory.oom_control", os.O_RDONLY | os.O_CLOEXEC)
            try:
                _write(f"{directory}/cgroup.event_control", f"{event} {control}")
            finally:
                os.close(control)


def is_memory_of_version_1(hierarchy: Hierarchy) -> bool:
    return hierarchy.version == 1 and hierarchy.name == "memory"


def limits(hierarchies: Sequence[Hierarchy]) -> list[str]:
    """Names of the protections that come with being in the groups."""
    unified = any(hierarchy.version == 2 for hierarchy in hierarchies)
    names = {hierarchy.name for hierarchy in hierarchies}
    return [f"{name}_limit" for name in ("memory", "pids") if unified or name in names]


def mount_points(hierarchies: Sequence[Hierarchy]) -> list[str]:
    """Where programs look for them: version 2 at the top unless it shares the place with version 1."""
    if [hierarchy.version for hierarchy in hierarchies] == [2]:
        return [SHOWN]
    return [f"{SHOWN}/{hierarchy.name}" for hierarchy in hierarchies]


def show(hierarchies: Sequence[Hierarchy], name: str) -> None:
    """Mount the groups `name`, read-only, at their mount points."""
    for hierarchy, target in zip(hierarchies, mount_points(hierarchies), strict=True):
        flags = mounts.NOSUID | mounts.NODEV | mounts.NOEXEC
        mounts.bind_read_only(f"{hierarchy.path}/{name}", target, flags)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
