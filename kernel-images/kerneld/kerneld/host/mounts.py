"""Mounts of the calling process' own mount namespace (mount(2))."""

import ctypes
import os
import platform

# <linux/mount.h>
RDONLY, NOSUID, NODEV, NOEXEC = 1, 2, 4, 8
_REMOUNT, _BIND, _MOVE, _REC, _PRIVATE = 0x20, 0x1000, 0x2000, 0x4000, 0x40000
_DETACH = 2

_KEPT = RDONLY | NOSUID | NODEV | NOEXEC
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

_libc = ctypes.CDLL(None, use_errno=True)


def mount(kind: str, target: str, flags: int, options: str = "") -> None:
    """A new file system of that kind. Raises `OSError`, as all of these."""
    _mount(kind, target, kind, flags, options)


def tmpfs(target: str, size: int, flags: int, options: str) -> None:
    """A file system in memory of `size` bytes and a number of files in proportion to it."""
    # An empty file takes memory too, which `size` does not count.
    inodes = max(256, size // (16 * 1024))
    mount("tmpfs", target, NOSUID | NODEV | flags, f"size={size},nr_inodes={inodes},{options}")


def bind(source: str, target: str, *, recursive: bool = False) -> None:
    """Show `source` at `target`, too."""
    _mount(source, target, None, _BIND | (_REC if recursive else 0), None)


def bind_read_only(source: str, target: str, flags: int = NOSUID | NODEV) -> None:
    """Show `source` at `target` such that nothing can be changed through it."""
    bind(source, target)
    # What the source's mount forbids cannot be allowed again by a user namespace below its own.
    kept = os.statvfs(target).f_flag & _KEPT
    _mount(None, target, None, _REMOUNT | _BIND | RDONLY | flags | kept, None)


def make_read_only(target: str, flags: int) -> None:
    """Forbid changes through a mount that has been made with `flags`."""
    _mount(None, target, None, _REMOUNT | _BIND | RDONLY | flags, None)


def make_private() -> None:
    """Neither pass mounts on to other namespaces nor take theirs."""
    _mount(None, "/", None, _REC | _PRIVATE, None)


def move(source: str, target: str) -> None:
    """Take a mount from one place to another."""
    _mount(source, target, None, _MOVE, None)


def unmount(target: str) -> None:
    """Remove a mount with all below it; what is open stays so."""
    _check(_libc.umount2(os.fsencode(target), _DETACH), f"umount {target}")


def change_root(new_root: str) -> None:
    """Make the mount `new_root` the root, and remove the old one with all below it."""
    os.chdir(new_root)
    # The same directory for both: the old root then lies over the new one and can be taken off.
    number = _PIVOT_ROOT[platform.machine()]
    _check(_libc.syscall(ctypes.c_long(number), b".", b"."), f"pivot_root {new_root}")
    unmount(".")
    os.chdir("/")


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None) -> None:
    result = _libc.mount(
        None if source is None else os.fsencode(source),
        os.fsencode(target),
        None if kind is None else kind.encode(),
        ctypes.c_ulong(flags),
        None if options is None else options.encode(),
    )
    _check(result, f"mount {target}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
