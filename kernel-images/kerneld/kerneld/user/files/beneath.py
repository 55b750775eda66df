"""Paths below the workspace, opened one component at a time so that nothing outside is ever reached.

Every component is opened relative to the descriptor of the one before, without following links. A link is read and its
target walked in the same way: it may lead anywhere below the workspace, and nowhere else.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .failures import FileFailure

WORKSPACE = "/workspace"

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_LINKS = 40


def components(path: str) -> list[bytes]:
    """The names in `path`, relative to the workspace or absolute inside it; raises `FileFailure`."""
    try:
        raw = os.fsencode(path)
    except UnicodeEncodeError:
        raise FileFailure("invalid_path", "not a file name") from None
    if raw.startswith(b"/"):
        root = os.fsencode(WORKSPACE)
        if raw != root and not raw.startswith(root + b"/"):
            raise FileFailure("invalid_path", f"outside {WORKSPACE}")
        raw = raw[len(root) :]
    names = [name for name in raw.split(b"/") if name not in (b"", b".")]
    if b".." in names or b"\0" in raw:
        raise FileFailure("invalid_path", "'..' and NUL have no place in a path")
    return names


class Location:
    """A name in an open directory; the directory itself is `.`. What it names may be missing."""

    def __init__(self, directory: int, name: bytes):
        self.directory = directory
        self.name = name

    def status(self) -> os.stat_result:
        """What is there, links not followed; raises `OSError`."""
        return os.stat(self.name, dir_fd=self.directory, follow_symlinks=False)

    def open(self, flags: int, mode: int = 0o666) -> int:
        """Open it, links not followed and without waiting; raises `OSError`."""
        safe = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        return os.open(self.name, flags | safe, mode, dir_fd=self.directory)


@contextmanager
def locate(path: str, *, follow: bool = True, make_parents: bool = False) -> Iterator[Location]:
    """Where `path` leads, its last link followed with `follow`; raises `FileFailure` or `OSError`."""
    walk = _Walk()
    try:
        yield walk.to(components(path), follow, make_parents)
    finally:
        walk.close()


class _Walk:
    """The open directories between the workspace and where the walk has come."""

    def __init__(self) -> None:
        self._directories = [os.open(WORKSPACE, _DIRECTORY)]
        self._links = 0

    def to(self, names: list[bytes], follow: bool, make_parents: bool) -> Location:
        ahead = names[::-1]
        while ahead:
            name = ahead.pop()
            if name == b"..":
                self._up()
                continue
            here = self._directories[-1]
            target = self._link_target(here, name) if ahead or follow else None
            if target is not None:
                ahead += target[::-1]
            elif ahead:
                if make_parents:
                    _make_directory(here, name)
                self._directories.append(os.open(name, _DIRECTORY, dir_fd=here))
            else:
                return Location(here, name)
        return Location(self._directories[-1], b".")

    def close(self) -> None:
        for directory in self._directories:
            os.close(directory)

    def _up(self) -> None:
        if len(self._directories) == 1:
            raise FileFailure("permission_denied", f"a link leads out of {WORKSPACE}")
        os.close(self._directories.pop())

    def _link_target(self, directory: int, name: bytes) -> list[bytes] | None:
        """The names in the target of the link `name`; none where it is no link."""
        try:
            target = os.readlink(name, dir_fd=directory)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return None
            raise
        self._links += 1
        if self._links > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if target.startswith(b"/"):
            root = os.fsencode(WORKSPACE)
            if target != root and not target.startswith(root + b"/"):
                raise FileFailure("permission_denied", f"a link leads out of {WORKSPACE}")
            target = target[len(root) :]
            while len(self._directories) > 1:
                os.close(self._directories.pop())
        return [part for part in target.split(b"/") if part not in (b"", b".")]


def kind(status: os.stat_result) -> str:
    """`file`, `directory` or `other`."""
    if stat.S_ISREG(status.st_mode):
        return "file"
    return "directory" if stat.S_ISDIR(status.st_mode) else "other"


def _make_directory(directory: int, name: bytes) -> None:
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=directory)
