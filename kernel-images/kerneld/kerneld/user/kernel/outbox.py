"""The text that a kernel prints, on its way to iopub: in order, in messages of a bounded size, soon."""

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from queue import SimpleQueue

from . import parents
from .parents import Parent

MAX_TEXT = 256 * 1024
"""Bytes of UTF-8 text that a `stream` message may have."""

_FLUSH_SIZE = 64 * 1024
_GATHER_S = 0.01

Piece = tuple[str, Parent | None, str]
"""Stream name, parent, text."""


class Outbox:
    """What was written to both streams and not yet sent, one sequence for both so that their order holds."""

    def __init__(
        self,
        queue: Callable[[str, str, Parent], None],
        send: Callable[[], None],
        hold: AbstractContextManager[None],
    ):
        """`queue` takes one text of one stream; `send` sends what is queued, and may wait and be interrupted.

        While `hold` holds, interrupts wait: what is on its way from here to there must not be lost to one.
        """
        self._queue = queue
        self._send = send
        self._hold = hold
        self._group: tuple[str, Parent | None, Iterator[str]] | None = None
        self._flushing = False
        self._pieces: list[Piece] = []
        self._size = 0
        self._lock = threading.RLock()
        # Its put may be called while it is being called, so a finaliser may print.
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._armed = False

    def start(self) -> None:
        """Start the thread that flushes while others compute."""
        threading.Thread(target=self._flush_soon, name="hotcell-flush", daemon=True).start()

    def writer(self, name: str) -> Callable[[str], int]:
        """The `write` of the stream `name`: takes a text, and waits for the reader when much has gathered.

        A function over variables rather than a method: programs print a hundred thousand lines.
        """
        append, parent = self._pieces.append, parents.in_this_context

        def write(text: str, /) -> int:
            if text.__class__ is not str:
                text = _plain(text)
            append((name, parent(), text))
            size = self._size = self._size + len(text)
            if size > _FLUSH_SIZE:
                self.flush()
            elif not self._armed:
                self._armed = True
                self._wake.put(None)
            return len(text)

        return write

    def add(self, name: str, text: str, parent: Parent | None) -> None:
        """Take a text of `parent`, or of whatever request runs or ran last."""
        self._pieces.append((name, parent, text))
        self._size += len(text)
        if self._size > _FLUSH_SIZE:
            self.flush()
        elif not self._armed:
            self._armed = True
            self._wake.put(None)

    def flush(self) -> None:
        """Send everything that was added before; also what another thread is just sending has gone then."""
        with self._lock:
            if self._flushing:
                # A finaliser or a signal handler prints while its own thread is at it.
                self._wake.put(None)
                return
            try:
                self._flushing = True
                self._size = 0
                left = len(self._pieces)
                while True:
                    with self._hold:
                        if self._group is None:
                            if left <= 0:
                                return
                            left -= self._take_group(left)
                        self._queue_part()
                    self._send()
            finally:
                self._flushing = False

    def _take_group(self, limit: int) -> int:
        """Take what stands first and shares stream and parent, of at most `limit` pieces; how many it took."""
        name, parent, count = _first_group(itertools.islice(self._pieces, limit))
        text = "".join(piece[2] for piece in itertools.islice(self._pieces, count))
        self._group = (name, parent, iter(split(text)))
        del self._pieces[:count]
        return count

    def _queue_part(self) -> None:
        if self._group is None:
            return
        name, parent, parts = self._group
        part = next(parts, None)
        if part is None:
            self._group = None
        else:
            self._queue(name, part, parent or parents.latest())

    def clear(self) -> None:
        """Forget everything, without the lock: in a forked child it may be held by a thread that is not there."""
        self._lock = threading.RLock()
        self._pieces.clear()
        self._group = None
        self._flushing = False
        self._size = 0

    def _flush_soon(self) -> None:
        while True:
            self._wake.get()
            time.sleep(_GATHER_S)
            self._armed = False
            self.flush()


def _plain(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(f"write() argument must be str, not {type(text).__name__}")
    return str(text)


def split(text: str) -> Iterable[str]:
    """`text` in parts of at most `MAX_TEXT` bytes each, cut between characters."""
    if len(text) * 4 <= MAX_TEXT or (len(text) <= MAX_TEXT and text.isascii()):
        return (text,)
    step = MAX_TEXT if text.isascii() else MAX_TEXT // 4
    return (text[start : start + step] for start in range(0, len(text), step))


def _first_group(pieces: Iterator[Piece]) -> tuple[str, Parent | None, int]:
    """Stream and parent of the first piece, and how many pieces from there on share them."""
    name, parent, _ = next(pieces)
    count = 1
    for other_name, other_parent, _ in pieces:
        if other_parent is not parent or other_name != name:
            break
        count += 1
    return name, parent, count
