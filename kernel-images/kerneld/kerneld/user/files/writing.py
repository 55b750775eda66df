"""Writing a file whole or not at all."""

import os
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress

from .beneath import Location, kind, locate
from .failures import FileFailure


class Upload:
    """A temporary file beside the target, which takes its place when it is complete."""

    def __init__(self, target: Location):
        """Begin; raises `FileFailure` where the target cannot be replaced by a file, or `OSError`."""
        self._target = target
        self._mode = _replaceable_mode(target)
        self._name = f".hotcell-{secrets.token_hex(8)}.part".encode()
        temporary = Location(target.directory, self._name)
        self._descriptor = temporary.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL)

    def write(self, chunk: memoryview) -> None:
        """Append; raises `OSError`."""
        while chunk:
            chunk = chunk[os.write(self._descriptor, chunk) :]

    def finish(self) -> bool:
        """Put the file in its place; whether there was none before."""
        if self._mode is not None:
            os.fchmod(self._descriptor, self._mode)
        directory = self._target.directory
        os.rename(self._name, self._target.name, src_dir_fd=directory, dst_dir_fd=directory)
        return self._mode is None

    def close(self) -> None:
        """End; without `finish` nothing is left of it."""
        os.close(self._descriptor)
        with suppress(FileNotFoundError):
            os.unlink(self._name, dir_fd=self._target.directory)


def write(path: str, chunks: Iterable[memoryview]) -> bool:
    """Write `chunks` to `path`, making missing directories; whether the file is new. Nothing changes when it fails.

    The target is checked before the first chunk is asked for.
    """
    with locate(path, make_parents=True) as location:
        upload = Upload(location)
        try:
            for chunk in chunks:
                upload.write(chunk)
            return upload.finish()
        finally:
            upload.close()


def _replaceable_mode(target: Location) -> int | None:
    """The permissions of the file that will be replaced; none where there is none."""
    if target.name == b".":
        raise FileFailure("is_directory", "a directory cannot be written")
    try:
        status = target.status()
    except FileNotFoundError:
        return None
    if kind(status) == "directory":
        raise FileFailure("is_directory", "a directory cannot be written")
    if kind(status) != "file":
        raise FileFailure("not_a_regular_file", "only regular files can be replaced")
    return stat.S_IMODE(status.st_mode)
