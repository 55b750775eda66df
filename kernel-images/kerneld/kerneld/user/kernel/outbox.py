"""The text that a kernel prints, on its way to iopub: in order, in messages of a bounded size, soon."""

import itertools
import threading
import time
from collections.abc import Callable, Iterable
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

    def __init__(self, publish: Callable[[str, str, Parent], None]):
        """`publish` sends one text of one stream; it may wait, and may be interrupted."""
        self._publish = publish
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

    def add(self, name: str, text: str) -> None:
        """Take a text that belongs to whatever request runs or ran last."""
        self._pieces.append((name, None, text))
        self._size += len(text)
        if self._size > _FLUSH_SIZE:
            self.flush()
        elif not self._armed:
            self._armed = True
            self._wake.put(None)

    def flush(self) -> None:
        """Send everything that was added before; also what another thread is just sending has gone then."""
        with self._lock:
            pieces: list[Piece] = []
            try:
                # Two steps, each of them atomic: others may append meanwhile.
                pieces = self._pieces[: len(self._pieces)]
                del self._pieces[: len(pieces)]
                self._size = 0
                while pieces:
                    name, parent, count = _first_group(pieces)
                    text = "".join(piece[2] for piece in itertools.islice(pieces, count))
                    del pieces[:count]
                    for part in split(text):
                        self._publish(name, part, parent or parents.latest())
            finally:
                # An interrupt costs the text that was being sent, not what comes after it.
                if pieces:
                    self._pieces[:0] = pieces

    def clear(self) -> None:
        """Forget everything, without the lock: in a forked child it may be held by a thread that is not there."""
        self._lock = threading.RLock()
        self._pieces.clear()
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


def _first_group(pieces: list[Piece]) -> tuple[str, Parent | None, int]:
    """Stream and parent of the first piece, and how many pieces from there on share them."""
    name, parent, _ = pieces[0]
    count = 0
    for other_name, other_parent, _ in pieces:
        if other_parent is not parent or other_name != name:
            break
        count += 1
    return name, parent, count
