"""Who a side of a sandbox is: one uid in a user namespace of its own, without any capability."""

import os

from kerneld import capabilities
from kerneld.prctl import SET_DUMPABLE, SET_NO_NEW_PRIVS, prctl

USER = 1000
KERNELD = 1001

SHARE = 8
"""A sandbox may have this part of what the kernel counts for its user namespace and for every one around it: in the
outermost, all sandboxes count as the user that started their zygote."""

_MACHINE_BOUNDS = {
    "max_inotify_instances": "/proc/sys/fs/inotify/max_user_instances",
    "max_inotify_watches": "/proc/sys/fs/inotify/max_user_watches",
}


def take(outer: int, inner: int, settings: int) -> None:
    """Be the uid and gid `outer` of the current user namespace for good, and see oneself as `inner`.

    `settings` is a descriptor of a writable /proc/sys/user. Call it with one thread and the capabilities SETUID and
    SETGID over the current namespace. Raises `OSError`.
    """
    os.setresgid(outer, outer, outer)
    os.setresuid(outer, outer, outer)
    # The change of uid took this away, and with it the right to the map files.
    prctl(SET_DUMPABLE, 1)
    os.unshare(os.CLONE_NEWUSER)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{inner} {outer} 1")
    _write("/proc/self/gid_map", f"{inner} {outer} 1")
    _write("max_user_namespaces", "0", settings)
    for name, of_machine in _MACHINE_BOUNDS.items():
        _write(name, str(_read_number(of_machine) // SHARE), settings)
    capabilities.forbid_more()
    capabilities.set_capabilities(0)
    prctl(SET_NO_NEW_PRIVS, 1)


def _write(path: str, text: str, directory: int | None = None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _read_number(path: str) -> int:
    with open(path, "rb") as file:
        return int(file.read())
