"""The file systems that a sandbox gets of its own."""

import os

from . import mounts, places
from .request import Request

# The machine has 4096 for everybody.
_TERMINALS = 64


def mount_terminals() -> None:
    """Pseudo terminals that no other sandbox sees."""
    mounts.mount("devpts", places.PTS, mounts.NOSUID | mounts.NOEXEC, f"mode=0620,ptmxmode=0666,max={_TERMINALS}")


def mount_shared(request: Request) -> None:
    """What both sides see."""
    sizes, owner = request.tmpfs, f"uid={request.id},gid={request.id}"
    # Compiled parts of Python packages are loaded from these two.
    mounts.tmpfs(places.WORKSPACE, sizes.workspace, 0, f"{owner},mode=1777")
    mounts.tmpfs(places.TMP, sizes.tmp, 0, f"{owner},mode=1777")
    mounts.tmpfs(places.SHM, sizes.shm, mounts.NOEXEC, f"{owner},mode=1777")
    mounts.tmpfs(places.KERNELS, sizes.kernels, mounts.NOEXEC, f"{owner},mode=2750")


def mount_private(link: str, request: Request) -> None:
    """What kerneld alone sees, below a directory that is empty to the user side."""
    owner = f"uid={request.id},gid={request.id}"
    mounts.tmpfs(places.KERNELD, request.tmpfs.kerneld, mounts.NOEXEC, f"{owner},mode=0700")
    os.mkdir(places.LINK)
    # With the flags of the links' own mount, read-only among them.
    mounts.bind(link, places.LINK)
