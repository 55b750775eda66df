"""MIME values that are too large for a frame, kept in kerneld's private tmpfs until newer ones need the room."""

import os
import secrets
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass

TOTAL_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Artifact:
    mime: str
    size: int


class Artifacts:
    """A bounded store; the oldest go first."""

    def __init__(self, directory: str) -> None:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        self._directory = directory
        system = os.statvfs(directory)
        self._limit = min(TOTAL_BYTES, system.f_blocks * system.f_frsize * 45 // 100)
        self._kept: OrderedDict[str, Artifact] = OrderedDict()
        self._size = 0

    def keep(self, mime: str, data: bytes) -> str | None:
        """Store `data`; returns its id, or none where it finds no room."""
        if len(data) > self._limit:
            return None
        identifier = secrets.token_hex(10)
        while self._size + len(data) > self._limit:
            self._drop_oldest()
        while not self._write(identifier, data):
            if not self._kept:
                return None
            self._drop_oldest()
        self._kept[identifier] = Artifact(mime, len(data))
        self._size += len(data)
        return identifier

    def open(self, identifier: str) -> tuple[Artifact, int] | None:
        """An artifact and a descriptor to read it from, which the caller closes."""
        artifact = self._kept.get(identifier)
        if artifact is None:
            return None
        return artifact, os.open(self._path(identifier), os.O_RDONLY | os.O_CLOEXEC)

    def _write(self, identifier: str, data: bytes) -> bool:
        try:
            with open(self._path(identifier), "xb", buffering=0) as file:
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) or 0 :]
        except OSError:
            with suppress(OSError):
                os.unlink(self._path(identifier))
            return False
        return True

    def _drop_oldest(self) -> None:
        identifier, artifact = self._kept.popitem(last=False)
        self._size -= artifact.size
        with suppress(OSError):
            os.unlink(self._path(identifier))

    def _path(self, identifier: str) -> str:
        return f"{self._directory}/{identifier}"
