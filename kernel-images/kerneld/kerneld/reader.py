"""One `GET /journal`: what it asked for, how far it has come, and when it takes more."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from kerneld.record import Record

BATCH_BYTES = 256 * 1024
STALLED_S = 10

_BATCHES_A_TURN = 8


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records a reader wants, by ordinal (`Record.run`, `Record.kernel`); 0 is any."""

    run: int = 0
    kernel: int = 0
    first_n: int = 1
    """The oldest record that can match: what was dropped before it is no loss to this reader."""
    last: Callable[[], tuple[int, bytes] | None] = lambda: None
    """The number and frame of the last record that can match, once it is there: kept also when the journal has dropped it."""

    def accepts(self, record: Record) -> bool:
        return (not self.run or record.run == self.run) and (
            not self.kernel or record.kernel == self.kernel
        )

    @property
    def everything(self) -> bool:
        return not self.run and not self.kernel


class Source(Protocol):
    """The journal, as a reader sees it."""

    last_n: int
    end: int

    def collect(
        self, cursor: int, wanted: Filter, budget: int, source: Iterator[Record] | None
    ) -> tuple[list[bytes], int, int, Iterator[Record] | None]: ...

    def position_before(self, n: int) -> int: ...

    def progressed(self) -> None: ...


class Reader:
    """Writes the records after `after` to a connection, as fast as that takes them.

    `write` returns a future that is done when the connection has taken the bytes. A reader that does not follow
    calls `finished` after the record that was the last when it came.
    """

    def __init__(
        self,
        journal: Source,
        after: int,
        wanted: Filter,
        follow: bool,
        write: Callable[[bytes], asyncio.Future[None]],
        finished: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._cursor = after + 1
        self._wanted = wanted
        self._follow = follow
        self._last = journal.last_n
        self._write = write
        self._finished = finished
        self._pending: asyncio.Future[None] | None = None
        self._pending_position = 0
        self._source: Iterator[Record] | None = None
        self._closed = False
        self._stalled_since: float | None = None
        self.position = journal.position_before(self._cursor)
        """`Record.end` of the last record that the connection has taken."""

    @property
    def counts(self) -> bool:
        """Whether kernels wait for this reader."""
        if not self._follow or not self._wanted.everything:
            return False
        return self._stalled_since is None or time.monotonic() - self._stalled_since < STALLED_S

    def pump(self) -> None:
        """Write what there is, unless the connection still has enough to do."""
        for _ in range(_BATCHES_A_TURN):
            if self._pending is not None or self._closed:
                return
            if not self._follow and self._cursor > self._last:
                self.close()
                self._finished()
                return
            if self._cursor > self._journal.last_n:
                return
            frames, self._cursor, position, self._source = self._journal.collect(
                self._cursor, self._wanted, BATCH_BYTES, self._source
            )
            self._pending_position = max(position, self.position)
            if not frames:
                self.position = self._pending_position
                continue
            pending = self._write(frames[0] if len(frames) == 1 else b"".join(frames))
            if pending.done():
                self._taken(pending)
            else:
                self._pending = pending
                self._stalled_since = time.monotonic()
                pending.add_done_callback(self._resume)
        asyncio.get_running_loop().call_soon(self.pump)

    def close(self) -> None:
        self._closed = True
        self._source = None

    def _resume(self, pending: asyncio.Future[None]) -> None:
        self._pending = None
        self._stalled_since = None
        self._taken(pending)
        self.pump()

    def _taken(self, pending: asyncio.Future[None]) -> None:
        if pending.cancelled() or pending.exception() is not None:
            self.close()
            return
        self.position = self._pending_position
        self._journal.progressed()
