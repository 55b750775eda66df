"""The journal's older part: records in files of kerneld's private tmpfs, dropped whole and oldest first."""

import os
import struct
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from kerneld.log import note
from kerneld.record import Record

_ENTRY = struct.Struct(">QQIII")
_BLOCK_BYTES = 64 * 1024
"""What a reader has of a segment in memory, unless a single record is larger."""


class Block(NamedTuple):
    """A part of a segment that is read at once, from the entry of record `first_n` on."""

    first_n: int
    offset: int


@dataclass(slots=True)
class Segment:
    """One file: entries, each a fixed header and a frame, `first_n` to `last_n` without a hole."""

    path: str
    first_n: int
    last_n: int = 0
    size: int = 0
    blocks: list[Block] = field(default_factory=list[Block])


class Segments:
    """A bounded sequence of segment files in `directory`; `limit` bytes in all."""

    def __init__(self, directory: str, limit: int) -> None:
        self._directory = directory
        self._limit = limit
        self._segment_limit = limit // 8
        self._segments: deque[Segment] = deque()
        self._descriptor = -1
        self._size = 0
        os.makedirs(directory, mode=0o700, exist_ok=True)

    @property
    def first_n(self) -> int | None:
        """The oldest record that is kept here."""
        return self._segments[0].first_n if self._segments else None

    def append(self, records: list[Record]) -> None:
        """Take over the oldest records from memory; what finds no room is lost, and all before it with it.

        Readers see a gap then, because memory does not have the records either.
        """
        parts: list[bytes] = []
        blocks: list[Block] = []
        size = 0
        for record in records:
            if not blocks or size - blocks[-1].offset >= _BLOCK_BYTES:
                blocks.append(Block(record.n, size))
            entry = _ENTRY.pack(record.n, record.end, record.run, record.kernel, len(record.frame))
            parts += (entry, record.frame)
            size += len(entry) + len(record.frame)
        data = b"".join(parts)
        while self._segments and self._size + len(data) > self._limit:
            self._drop_oldest()
        if len(data) > self._limit:
            return
        while not self._write(blocks, records[-1].n, data):
            if not self._segments:
                return
            self._drop_oldest()

    def entries(self, n: int) -> Iterator[Record]:
        """The records from number `n` on that are in the block of `n`; none where it cannot be read.

        No file stays open meanwhile: it would hold the memory of a segment that has been dropped.
        """
        segment = next((s for s in self._segments if s.first_n <= n <= s.last_n), None)
        if segment is None:
            return
        following = bisect_right(segment.blocks, n, key=lambda block: block.first_n)
        start = segment.blocks[following - 1].offset
        end = segment.blocks[following].offset if following < len(segment.blocks) else segment.size
        try:
            with open(segment.path, "rb", buffering=0) as file:
                data = os.pread(file.fileno(), end - start, start)
        except OSError as error:
            note(f"the journal cannot read a segment: {error.strerror}")
            return
        offset = 0
        while offset < len(data):
            entry_n, end, run, kernel, length = _ENTRY.unpack_from(data, offset)
            offset += _ENTRY.size + length
            if entry_n >= n:
                yield Record(entry_n, end, run, kernel, data[offset - length : offset])

    def _write(self, blocks: list[Block], last_n: int, data: bytes) -> bool:
        segment = self._segments[-1] if self._segments else None
        if segment is None or self._descriptor < 0 or segment.size + len(data) > self._segment_limit:
            segment = self._open(blocks[0].first_n)
            if segment is None:
                return False
        written = 0
        try:
            while written < len(data):
                written += os.write(self._descriptor, memoryview(data)[written:])
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, segment.size)
                os.lseek(self._descriptor, segment.size, os.SEEK_SET)
            if segment.size == 0:
                self._segments.pop()
                self._close(segment)
            return False
        segment.blocks.extend(Block(n, segment.size + offset) for n, offset in blocks)
        segment.size += len(data)
        segment.last_n = last_n
        self._size += len(data)
        return True

    def _open(self, first_n: int) -> Segment | None:
        path = f"{self._directory}/{first_n}"
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        try:
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        except OSError as error:
            note(f"the journal cannot open a segment: {error.strerror}")
            return None
        segment = Segment(path, first_n)
        self._segments.append(segment)
        return segment

    def _drop_oldest(self) -> None:
        segment = self._segments.popleft()
        self._size -= segment.size
        self._close(segment, last=not self._segments)

    def _close(self, segment: Segment, last: bool = True) -> None:
        if last and self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        with suppress(OSError):
            os.unlink(segment.path)
