"""The files with which a sandbox's fresh file systems begin."""

import os

_IMAGE = "/opt/hotcell/skel"
_TARGETS = ("/tmp", "/workspace")


class Skeleton:
    """What the image has for `/tmp` and `/workspace`, read once: a few small files."""

    def __init__(self) -> None:
        self._directories: list[str] = []
        self._files: list[tuple[str, bytes]] = []
        for target in _TARGETS:
            for directory, names, files in os.walk(f"{_IMAGE}{target}"):
                place = directory.removeprefix(_IMAGE)
                self._directories += [f"{place}/{name}" for name in names]
                self._files += [(f"{place}/{name}", _read(f"{directory}/{name}")) for name in files]

    def copy(self, below: str = "/") -> None:
        """Write what belongs below a directory, leaving alone what is there already."""
        for directory in self._directories:
            if directory.startswith(below):
                try:
                    os.mkdir(directory)
                except FileExistsError:
                    continue
        for path, data in self._files:
            if path.startswith(below):
                try:
                    with open(path, "xb", buffering=0) as file:
                        file.write(data)
                except FileExistsError:
                    continue


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
