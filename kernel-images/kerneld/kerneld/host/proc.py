"""/proc in a sandbox."""

import os
from typing import NoReturn

from . import mounts, places
from .clone import clone
from .failure import Failure, no_proc

_FLAGS = mounts.NOSUID | mounts.NODEV | mounts.NOEXEC


def check() -> None:
    """Raise `Failure` where this machine lets us have no namespace or no /proc for it."""
    try:
        child = clone(os.CLONE_NEWPID | os.CLONE_NEWNS)
    except OSError as error:
        raise Failure("user_namespaces_forbidden", f"the kernel makes no PID namespace: {error.strerror}") from error
    if child.pid == 0:
        _try()
    os.close(child.descriptor)
    code = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
    if code:
        raise no_proc(OSError(code, os.strerror(code)))


def put_aside() -> None:
    """Leave the host's visible, without which the kernel mounts no other, but not at /proc."""
    mounts.move("/proc", places.PROC)


def enter() -> int:
    """Mount that of the caller's PID namespace; a descriptor of its /proc/sys/user, still to be written."""
    mounts.mount("proc", "/proc", _FLAGS)
    settings = os.open("/proc/sys/user", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    mounts.bind_read_only("/proc/sys", "/proc/sys", _FLAGS)
    return settings


def leave_private() -> None:
    """Unmount what only a sandbox in the making may see: the host's /proc, links and control groups."""
    mounts.unmount(places.PRIVATE)


def _try() -> NoReturn:
    code = 0
    try:
        mounts.mount("proc", places.PROC, _FLAGS)
    except OSError as error:
        code = error.errno or 1
    finally:
        os._exit(code)
