"""Deleting files and directories, however deep."""

import os
from typing import NamedTuple

from .beneath import Location, kind, locate
from .failures import FileFailure

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY


class _Level(NamedTuple):
    """A directory on the way down: which it is, and under which name its parent knows it."""

    identity: tuple[int, int]
    name: bytes


def delete(path: str) -> None:
    """Delete what is at `path`, a link itself rather than its target, a directory with all that is in it."""
    with locate(path, follow=False) as location:
        if location.name == b".":
            raise FileFailure("invalid_path", "the workspace itself cannot be deleted")
        if kind(location.status()) == "directory":
            _empty(location)
            os.rmdir(location.name, dir_fd=location.directory)
        else:
            os.unlink(location.name, dir_fd=location.directory)


def _empty(location: Location) -> None:
    """Delete what is in a directory, with one descriptor at a time: any number of levels would run out of them."""
    here = location.open(_DIRECTORY)
    try:
        levels: list[_Level] = []
        identity = _identity(here)
        while True:
            below = _delete_files(here)
            if below is not None:
                levels.append(_Level(identity, below))
                here = _move(here, below)
                identity = _identity(here)
            elif levels:
                identity, name = levels.pop()
                here = _move(here, b"..")
                if _identity(here) != identity:
                    raise FileFailure("internal_error", "the directory was moved while it was deleted")
                os.rmdir(name, dir_fd=here)
            else:
                return
    finally:
        os.close(here)


def _delete_files(directory: int) -> bytes | None:
    """Delete what can be deleted at once; the name of a directory in it, if there is one."""
    with os.scandir(directory) as entries:
        for entry in entries:
            name = os.fsencode(entry.name)
            if entry.is_dir(follow_symlinks=False):
                return name
            os.unlink(name, dir_fd=directory)
    return None


def _move(directory: int, name: bytes) -> int:
    """A descriptor of `name` in `directory`, in the place of the directory's own."""
    target = Location(directory, name).open(_DIRECTORY)
    os.dup2(target, directory, inheritable=False)
    os.close(target)
    return directory


def _identity(directory: int) -> tuple[int, int]:
    status = os.fstat(directory)
    return status.st_dev, status.st_ino
