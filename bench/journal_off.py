"""A journal that keeps nothing: what it is given goes to who reads along, and is gone. What kerneld's is measured against."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence

from kerneld.frame import encode_frame
from kerneld.reader import Filter, Reader
from kerneld.record import Record

_LAG_BYTES = 6 * 1024 * 1024


class Journal:
    """Numbers records and passes them on; in the place of `kerneld.journal.Journal`."""

    def __init__(self, directory: str, loop: asyncio.AbstractEventLoop) -> None:
        del directory
        self._loop = loop
        self._frames: dict[int, tuple[int, bytes]] = {}
        self._readers: set[Reader] = set()
        self._wake_scheduled = False
        self._relief: list[Callable[[], None]] = []
        self.first_n = 1
        self.last_n = 0
        self.end = 0

    def append(
        self, body: Sequence[bytes], blobs: Sequence[bytes] = (), run: int = 0, kernel: int = 0
    ) -> int:
        """Pass on the record whose head has the JSON members in `body`; returns its number."""
        del run, kernel
        n = self.last_n = self.last_n + 1
        frame = encode_frame(n, time.time_ns() // 1_000_000, body, blobs)
        self.end += len(frame)
        self._frames[n] = (self.end, frame)
        if not self._wake_scheduled:
            self._wake_scheduled = True
            self._loop.call_soon(self._wake)
        return n

    def last_frame(self) -> bytes:
        """The frame of the record that was just made."""
        return self._frames[self.last_n][1]

    def follow(self, reader: Reader) -> None:
        self._readers.add(reader)

    def leave(self, reader: Reader) -> None:
        self._readers.discard(reader)

    @property
    def congested(self) -> bool:
        """Whether a reader is so far behind that kernels must wait."""
        return any(self.end - reader.position > _LAG_BYTES and reader.counts for reader in self._readers)

    def when_relieved(self, callback: Callable[[], None]) -> None:
        self._relief.append(callback)

    def progressed(self) -> None:
        """A reader has taken something."""
        self._drop()
        if self._relief and not self.congested:
            waiting, self._relief = self._relief, []
            for callback in waiting:
                callback()

    def position_before(self, n: int) -> int:
        del n
        return self.end

    def collect(
        self, cursor: int, wanted: Filter, budget: int, source: Iterator[Record] | None
    ) -> tuple[list[bytes], int, int, Iterator[Record] | None]:
        """Frames from number `cursor` on, about `budget` bytes of them."""
        del wanted, source
        frames: list[bytes] = []
        position = -1
        size = 0
        cursor = max(cursor, self.first_n)
        while size < budget and cursor <= self.last_n:
            position, frame = self._frames[cursor]
            cursor += 1
            frames.append(frame)
            size += len(frame)
        return frames, cursor, position, None

    def _wake(self) -> None:
        self._wake_scheduled = False
        for reader in tuple(self._readers):
            reader.pump()
        self._drop()

    def _drop(self) -> None:
        """Forget what everybody has taken."""
        taken = min((reader.position for reader in self._readers), default=self.end)
        while self.first_n <= self.last_n and self._frames[self.first_n][0] <= taken:
            del self._frames[self.first_n]
            self.first_n += 1
