"""The journal: one bounded sequence of numbered records for all that a sandbox's kernels say and its runs do."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Sequence

from kerneld.frame import encode_frame, members
from kerneld.reader import Filter, Reader
from kerneld.record import Record
from kerneld.segment import Segments

MEMORY_BYTES = 8 * 1024 * 1024
SEGMENTS_BYTES = 64 * 1024 * 1024
LAG_BYTES = 6 * 1024 * 1024
"""How far a following reader may be behind before kernels wait; less than what memory holds, so that it never needs
the files."""

_SPILL_BYTES = 1024 * 1024
_RECORD_BYTES = 160
"""What a record costs in memory besides its frame."""


class Journal:
    """Numbers records, keeps the newest, and wakes those who read along."""

    def __init__(self, directory: str, loop: asyncio.AbstractEventLoop) -> None:
        system = os.statvfs(os.path.dirname(directory))
        share = system.f_blocks * system.f_frsize * 45 // 100
        self._segments = Segments(directory, min(SEGMENTS_BYTES, share))
        self._loop = loop
        self._memory: dict[int, Record] = {}
        self._memory_bytes = 0
        self._memory_first_n = 1
        self._readers: set[Reader] = set()
        self._wake_scheduled = False
        self._relief: list[Callable[[], None]] = []
        self._relief_check: asyncio.TimerHandle | None = None
        self.last_n = 0
        self.end = 0
        """Bytes of all frames since the sandbox began."""

    @property
    def first_n(self) -> int:
        """The oldest record that is kept; `last_n` + 1 when there is none."""
        first = self._segments.first_n
        return self._memory_first_n if first is None else first

    def append(
        self, body: Sequence[bytes], blobs: Sequence[bytes] = (), run: int = 0, kernel: int = 0
    ) -> int:
        """Add the record whose head has the JSON members in `body`; returns its number."""
        n = self.last_n = self.last_n + 1
        frame = encode_frame(n, time.time_ns() // 1_000_000, body, blobs)
        self.end += len(frame)
        self._memory[n] = Record(n, self.end, run, kernel, frame)
        self._memory_bytes += len(frame) + _RECORD_BYTES
        if not self._wake_scheduled:
            # Whatever else is made in this turn of the loop leaves in the same write.
            self._wake_scheduled = True
            self._loop.call_soon(self._wake)
        return n

    def last_frame(self) -> bytes:
        """The frame of the record that was just made."""
        return self._memory[self.last_n].frame

    def follow(self, reader: Reader) -> None:
        """Wake `reader` for every new record until `leave`."""
        self._readers.add(reader)

    def leave(self, reader: Reader) -> None:
        self._readers.discard(reader)
        self._check_relief()

    @property
    def congested(self) -> bool:
        """Whether a reader that counts is so far behind that kernels must wait."""
        return any(self.end - reader.position > LAG_BYTES and reader.counts for reader in self._readers)

    def when_relieved(self, callback: Callable[[], None]) -> None:
        """Call back once, when the journal is no longer congested."""
        self._relief.append(callback)
        self._watch_stalled()

    def progressed(self) -> None:
        """A reader has taken something."""
        if self._relief:
            self._check_relief()

    def position_before(self, n: int) -> int:
        """Bytes of all frames before record `n`, or before the oldest kept after it."""
        n = max(n, self.first_n)
        record = self._memory.get(n) or next(self._segments.entries(n), None)
        return self.end if record is None else record.end - len(record.frame)

    def collect(
        self, cursor: int, wanted: Filter, budget: int, source: Iterator[Record] | None
    ) -> tuple[list[bytes], int, int, Iterator[Record] | None]:
        """Frames from number `cursor` on, about `budget` bytes of them.

        Returns the frames, the next cursor, the position (`Record.end`) before that cursor, and where to go on
        reading in the files. Records that are no longer kept become one `gap` frame.
        """
        frames: list[bytes] = []
        position = -1
        size = 0
        while size < budget and cursor <= self.last_n:
            record = self._memory.get(cursor)
            if record is None:
                record = next(source, None) if source else None
                if record is None:
                    source = self._segments.entries(cursor)
                    record = next(source, None)
                if record is None:
                    first = self._first_from(cursor)
                    frames.extend(self._gap(cursor, first - 1, wanted))
                    cursor = first
                    source = None
                    continue
            cursor += 1
            position = record.end
            if wanted.accepts(record):
                frames.append(record.frame)
                size += len(record.frame)
            else:
                size += 16
        return frames, cursor, position, source

    def _first_from(self, cursor: int) -> int:
        first = self.first_n
        return first if first > cursor else self._memory_first_n

    def _gap(self, first: int, last: int, wanted: Filter) -> list[bytes]:
        """What stands for records `first` to `last`: how many are missing, and behind them the end of a run that is read."""
        kept = wanted.last()
        if kept and kept[0] < first:
            return []
        end, tail = (kept[0], [kept[1]]) if kept and kept[0] <= last else (last + 1, [])
        first, last = max(first, wanted.first_n), end - 1
        if first > last:
            return tail
        body = members(kind="gap", **{"from": first, "to": last}, reason="dropped")
        return [encode_frame(last, time.time_ns() // 1_000_000, (body,)), *tail]

    def _wake(self) -> None:
        self._wake_scheduled = False
        for reader in tuple(self._readers):
            reader.pump()
        if self._memory_bytes > MEMORY_BYTES:
            self._spill()

    def _spill(self) -> None:
        oldest: list[Record] = []
        while self._memory_bytes > MEMORY_BYTES - _SPILL_BYTES and len(self._memory) > 1:
            record = self._memory.pop(self._memory_first_n)
            self._memory_first_n += 1
            self._memory_bytes -= len(record.frame) + _RECORD_BYTES
            oldest.append(record)
        if oldest:
            self._segments.append(oldest)

    def _check_relief(self) -> None:
        if self._relief and not self.congested:
            waiting, self._relief = self._relief, []
            for callback in waiting:
                callback()

    def _watch_stalled(self) -> None:
        # A reader that stops counting says nothing; somebody has to look.
        if self._relief_check is None:
            self._relief_check = self._loop.call_later(1, self._relief_due)

    def _relief_due(self) -> None:
        self._relief_check = None
        self._check_relief()
        if self._relief:
            self._watch_stalled()
