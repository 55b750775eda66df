"""What every sandbox begins with, made once: both sides' modules, the kernel, the filter of system calls."""

import gc
from collections.abc import Sequence
from typing import NamedTuple

import kerneld.daemon  # noqa: F401  # sandboxes continue in it
from kerneld import privileges
from kerneld.user import preload, seccomp
from kerneld.user.kernel import process
from kerneld.user.kernel.kernel import PythonKernel
from kerneld.user.skeleton import Skeleton

from . import huge_pages, landlock, mounts, proc
from .cgroups import Hierarchy
from .shared_pages import keep_shared


class Prepared(NamedTuple):
    """Nothing in it is about any one sandbox."""

    hierarchies: Sequence[Hierarchy]
    kernel: PythonKernel
    environment: dict[str, str]
    """The image's."""
    skeleton: Skeleton
    filter: seccomp.Assembled
    landlock: int
    """The kernel's version of it."""


def prepare(hierarchies: Sequence[Hierarchy], modules: Sequence[str]) -> Prepared:
    """Import and build; afterwards the process has no writable file system and not the host's /proc at its place."""
    gc.disable()
    files = Skeleton()
    files.copy("/tmp")
    kernel = process.build()
    preload.preload([*privileges.image_preload(), *modules])
    prepared = Prepared(
        hierarchies,
        kernel,
        privileges.image_environment(),
        files,
        seccomp.Assembled(),
        landlock.abi(),
    )
    mounts.unmount("/tmp")
    keep_shared()
    huge_pages.collapse()
    proc.put_aside()
    return prepared
