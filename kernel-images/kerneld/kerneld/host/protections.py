"""What each side of a sandbox gives up before it reads anything of anybody's, and what of it the kernel granted."""

import os
import resource
from collections.abc import Sequence
from typing import NamedTuple

from kerneld.user.limits import forbid_core_dumps

from . import identity, landlock, proc
from .preparation import Prepared
from .request import Request

OF_EVERY_SANDBOX = (
    "separate_supervisor",
    "read_only_root",
    "private_ipc",
    "private_cgroup_namespace",
    "no_network",
)
"""What a sandbox does not come to be without, whatever its sides take."""

_SHARED_LIMITS = (resource.RLIMIT_SIGPENDING, resource.RLIMIT_MSGQUEUE, resource.RLIMIT_MEMLOCK)
"""Counted for the user namespaces around a sandbox, too, where all sandboxes are one user (setrlimit(2))."""


class Side(NamedTuple):
    """One of the two."""

    name: str
    uid: int
    """How it sees itself."""
    writable: Sequence[str]
    """Directories below which it may change anything."""
    signals_only_itself: bool


def take(side: Side, request: Request, prepared: Prepared) -> list[str]:
    """Be that side for good; the names of what holds it. Raises `OSError`.

    The caller is PID 1 of a namespace, with one thread, all its mounts made but /proc.
    """
    settings = proc.enter()
    proc.leave_private()
    try:
        identity.take(request.id, side.uid, settings)
    finally:
        os.close(settings)
    held = ["user_namespace", "capabilities_dropped", "no_new_privileges"]
    forbid_core_dumps()
    resource.setrlimit(resource.RLIMIT_NOFILE, (request.open_files, request.open_files))
    # Counted in this user namespace alone, so by the sandbox's side and not by the uid that sandboxes may share.
    resource.setrlimit(resource.RLIMIT_NPROC, (request.processes, request.processes))
    for limit in _SHARED_LIMITS:
        _, hard = resource.getrlimit(limit)
        if hard != resource.RLIM_INFINITY:
            resource.setrlimit(limit, (hard // identity.SHARE, hard // identity.SHARE))
    held += ["no_core_dumps", "pids_limit"]
    if prepared.landlock:
        landlock.restrict_writes(prepared.landlock, side.writable, signals=side.signals_only_itself)
        held.append("landlock")
    prepared.filter.install()
    held.append("seccomp")
    return held
