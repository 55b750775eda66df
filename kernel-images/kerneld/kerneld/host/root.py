"""The file system that a zygote and its sandboxes live in: an image's root, with what is ours over it."""

import os
from collections.abc import Callable, Mapping

from . import cgroups, identity, mounts, places
from .configuration import Configuration

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {
    "ptmx": "pts/ptmx",
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}
_SMALL = 1024 * 1024
_ROOM_FOR_IMPORTS = 64 * 1024 * 1024
_PLAIN = mounts.NOSUID | mounts.NODEV | mounts.NOEXEC

_FILES = {
    "passwd": (
        "root:x:0:0:root:/:/usr/sbin/nologin\n"
        f"user:x:{identity.USER}:{identity.USER}:user:/workspace:/bin/sh\n"
        f"kerneld:x:{identity.KERNELD}:{identity.KERNELD}:kerneld:/run/kerneld:/usr/sbin/nologin\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    ),
    "group": f"root:x:0:\nuser:x:{identity.USER}:\nkerneld:x:{identity.KERNELD}:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
    "hostname": "sandbox\n",
}


def build(configuration: Configuration, take_root: Callable[[], None]) -> None:
    """Make it and change into it, in a user and mount namespace of one's own. Raises `OSError`.

    `take_root` is called when the last path of the host's has been opened: below a directory of the caller's alone,
    uid 0 of the namespace would find nothing.
    """
    mounts.make_private()
    image = os.path.realpath(configuration.root)
    mounts.bind(image, image)
    root = os.open(image, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    kerneld = _opened(f"{configuration.layer}/opt/hotcell/kerneld")
    links = _opened(configuration.links)
    groups = {hierarchy.name: _opened(hierarchy.path) for hierarchy in configuration.hierarchies}
    take_root()
    # From here on with relative paths, which lead into the new root.
    os.fchdir(root)
    mounts.bind_read_only(kerneld, "opt/hotcell/kerneld")
    mounts.bind("/proc", "proc", recursive=True)
    mounts.tmpfs("tmp", _ROOM_FOR_IMPORTS, 0, "mode=1777")
    _make_devices()
    _make_run(links, groups)
    _make_sys(configuration)
    mounts.make_read_only(".", mounts.NOSUID | mounts.NODEV)
    mounts.change_root(".")


def _opened(path: str) -> str:
    """A path that stays right, and allowed, when the process changes its uid and root."""
    return f"/proc/self/fd/{os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)}"


def _make_devices() -> None:
    flags = mounts.NOSUID | mounts.NOEXEC
    mounts.mount("tmpfs", "dev", flags, f"size={_SMALL},mode=0755")
    for name in _DEVICES:
        os.close(os.open(f"dev/{name}", os.O_CREAT | os.O_CLOEXEC))
        mounts.bind_read_only(f"/dev/{name}", f"dev/{name}", flags)
    for name, target in _LINKS.items():
        os.symlink(target, f"dev/{name}")
    os.mkdir("dev/pts")
    os.mkdir("dev/shm")
    mounts.make_read_only("dev", flags)


def _make_run(links: str, groups: Mapping[str, str]) -> None:
    mounts.tmpfs("run", _SMALL, mounts.NOEXEC, "mode=0755")
    for directory in (places.PRIVATE, places.KERNELD, places.KERNELS):
        os.mkdir(_relative(directory))
    private = _relative(places.PRIVATE)
    mounts.tmpfs(private, _SMALL, mounts.NOEXEC, "mode=0755")
    for directory in (places.LINKS, places.CGROUPS, places.PROC):
        os.mkdir(_relative(directory))
    mounts.bind_read_only(links, _relative(places.LINKS), _PLAIN)
    for name, path in groups.items():
        os.mkdir(f"{_relative(places.CGROUPS)}/{name}")
        mounts.bind(path, f"{_relative(places.CGROUPS)}/{name}")
    for name, text in _FILES.items():
        if os.path.exists(f"etc/{name}"):
            # Not ASCII, whose codec would have to be imported: the image may be out of reach of the ids taken by now.
            with open(f"{private}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
            mounts.bind_read_only(f"{private}/{name}", f"etc/{name}", _PLAIN)
    mounts.make_read_only(private, _PLAIN)
    mounts.make_read_only("run", _PLAIN)


def _make_sys(configuration: Configuration) -> None:
    """An empty one but for the mount points of the control groups."""
    mounts.tmpfs("sys", _SMALL, mounts.NOEXEC, "mode=0755")
    for directory in cgroups.mount_points(configuration.hierarchies):
        os.makedirs(_relative(directory))
    mounts.make_read_only("sys", _PLAIN)


def _relative(path: str) -> str:
    return path.removeprefix("/")
