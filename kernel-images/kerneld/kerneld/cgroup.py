"""What the sandbox has used, as its control group counts it (version 1, 2 and the hybrid of both)."""

import os
from collections.abc import Callable
from contextlib import suppress

_ROOT = "/sys/fs/cgroup"

type _Reading = Callable[[bytes], int]


def _plain(data: bytes) -> int:
    return int(data)


def _field(name: bytes) -> _Reading:
    def read(data: bytes) -> int:
        for line in data.splitlines():
            key, _, value = line.partition(b" ")
            if key == name:
                return int(value)
        raise ValueError(name)

    return read


def _nanoseconds(data: bytes) -> int:
    return int(data) // 1000


_CPU_MICROSECONDS: tuple[tuple[str, _Reading], ...] = (
    ("cpu.stat", _field(b"usage_usec")),
    ("cpuacct/cpuacct.usage", _nanoseconds),
    ("cpu,cpuacct/cpuacct.usage", _nanoseconds),
)
_MEMORY_PEAK: tuple[tuple[str, _Reading], ...] = (
    ("memory.peak", _plain),
    ("memory/memory.max_usage_in_bytes", _plain),
    ("memory.current", _plain),
)
_OOM_KILLS: tuple[tuple[str, _Reading], ...] = (
    ("memory.events", _field(b"oom_kill")),
    ("memory/memory.oom_control", _field(b"oom_kill")),
)


class Counter:
    """The first file of a list that is there and makes sense, kept open; 0 where none does."""

    def __init__(self, candidates: tuple[tuple[str, _Reading], ...], root: str = _ROOT) -> None:
        self._descriptor = -1
        self._reading: _Reading = _plain
        for path, reading in candidates:
            try:
                descriptor = os.open(f"{root}/{path}", os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                continue
            with suppress(OSError, ValueError):
                reading(os.pread(descriptor, 4096, 0))
                self._descriptor, self._reading = descriptor, reading
                return
            os.close(descriptor)

    def read(self) -> int:
        """The count now."""
        if self._descriptor < 0:
            return 0
        try:
            return self._reading(os.pread(self._descriptor, 4096, 0))
        except (OSError, ValueError):
            return 0


class Cgroup:
    """The sandbox's own control group, mounted read-only."""

    def __init__(self, root: str = _ROOT) -> None:
        self.cpu_microseconds = Counter(_CPU_MICROSECONDS, root)
        self.memory_peak_bytes = Counter(_MEMORY_PEAK, root)
        self.oom_kills = Counter(_OOM_KILLS, root)
