"""`sys.stdout` and `sys.stderr` of user code."""

import codecs
import io
import os
from collections.abc import Callable
from typing import Any

from .outbox import Outbox

_CLOSED = "I/O operation on closed file."


class OutputStream(io.TextIOBase):
    """A text stream whose text becomes `stream` messages.

    `close` holds until the run ends: output must not be gone for good because one run closed it.
    """

    encoding = "utf-8"  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    errors = "replace"  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    newlines = None  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    line_buffering = False
    write_through = False
    mode = "w"

    def __init__(self, name: str, descriptor: int, outbox: Outbox, before_write: Callable[[], None]):
        """`descriptor` is what programs started by user code get; `before_write` fetches what they wrote so far."""
        self.name = f"<{name}>"
        self.buffer = ByteStream(self)
        self._descriptor = descriptor
        self._outbox = outbox
        self._write_to_outbox = outbox.writer(name)
        self._before_write = before_write
        self._ended = False
        self._line: list[str] | None = None
        # One of four functions, so that none needs to ask in what state the stream is.
        self.write: Callable[[str], int] = self._write_to_outbox  # type: ignore[assignment]

    def writelines(self, lines: Any, /) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if self._ended:
            raise ValueError(_CLOSED)
        if self._line is not None:
            self._write_out()
        else:
            self._outbox.flush()

    def close(self) -> None:
        if not self._ended:
            self.flush()
            self._ended = True
            self.write = self._write_nothing

    @property
    def closed(self) -> bool:
        return self._ended

    def reopen(self) -> None:
        """Begin a run: undo `close`, and forget the programs of earlier ones."""
        self._ended = False
        self.write = self._write_to_outbox if self._line is None else self._write_line

    def follow_programs(self) -> None:
        """From now on let what programs have written to the descriptor go first."""
        if self.write is self._write_to_outbox:
            self.write = self._write_after_programs

    def write_to_descriptor(self) -> None:
        """From now on write to the descriptor, by lines: in a process that user code forked."""
        self._line = []
        self.buffer.reset()
        self.reopen()

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return False

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def reconfigure(self, **_: Any) -> None:
        """Accepted as `io.TextIOWrapper` would, without effect: messages are UTF-8 text."""

    def __del__(self) -> None:
        """Without the base class's, which closes."""

    def __repr__(self) -> str:
        return f"<OutputStream name={self.name!r} encoding='utf-8'>"

    def _write_after_programs(self, text: str, /) -> int:
        self._before_write()
        return self._write_to_outbox(text)

    def _write_line(self, text: str, /) -> int:
        assert self._line is not None
        self._line.append(text)
        if "\n" in text:
            self._write_out()
        return len(text)

    def _write_nothing(self, _: str, /) -> int:
        raise ValueError(_CLOSED)

    def _write_out(self) -> None:
        line, self._line = self._line, []
        data = memoryview("".join(line or ()).encode("utf-8", "replace"))
        while data:
            data = data[os.write(self._descriptor, data) :]


class ByteStream(io.BufferedIOBase):
    """The `buffer` of an `OutputStream`: takes UTF-8 bytes, in pieces of any size."""

    mode = "wb"

    def __init__(self, text: OutputStream):
        self._text = text
        self.reset()

    @property
    def name(self) -> str:
        return self._text.name

    @property
    def raw(self) -> "ByteStream":
        return self

    def reset(self) -> None:
        """Forget an unfinished character."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, data: Any, /) -> int:
        with memoryview(data) as view:
            self._text.write(self._decoder.decode(view.tobytes()))
            return view.nbytes

    def flush(self) -> None:
        self._text.flush()

    def close(self) -> None:
        """Flushes only: a wrapper made around it closes it when it is collected."""
        if not self._text.closed:
            self._text.flush()

    def fileno(self) -> int:
        return self._text.fileno()

    def isatty(self) -> bool:
        return False

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def __del__(self) -> None:
        """Without the base class's, which closes."""
