"""All text that a kernel's process puts out: Python's streams, and the descriptors below them."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from .capture import SPAWNING, Capture
from .outbox import Outbox
from .parents import Parent
from .streams import OutputStream

_DRAIN_S = 0.02


class Output:
    """The owner of `sys.stdout`, `sys.stderr` and the descriptors 1 and 2."""

    def __init__(
        self,
        queue: Callable[[str, str, Parent], None],
        send: Callable[[], None],
        hold: AbstractContextManager[None],
    ):
        """`queue` takes one text of one stream, `send` sends what is queued; interrupts wait while `hold` holds."""
        self._outbox = Outbox(queue, send, hold)
        self._spawned = False
        self.flush = self._outbox.flush
        self._capture: Capture
        self.streams: tuple[OutputStream, OutputStream]

    def take(self) -> None:
        """Replace streams and descriptors; what is written is kept until `start`."""
        self._capture = Capture(self._outbox.add)
        self.streams = (
            OutputStream("stdout", 1, self._outbox, self._capture.fetch),
            OutputStream("stderr", 2, self._outbox, self._capture.fetch),
        )
        sys.stdout, sys.stderr = self.streams
        sys.addaudithook(self._notice_programs)

    def start(self) -> None:
        """Start the threads that send while others compute."""
        self._outbox.start()
        self._capture.start()

    def begin_run(self) -> None:
        """Give a run the streams and descriptors again that an earlier one may have taken away."""
        sys.stdout, sys.stderr = self.streams
        for stream in self.streams:
            stream.reopen()
        spawned, self._spawned = self._spawned, False
        self._capture.begin_run(spawned)

    def end_run(self) -> None:
        """Send all that the run has written, to descriptors too."""
        self._capture.drain(_DRAIN_S)
        self.flush()

    def write_to_descriptors(self) -> None:
        """In a process that user code forked: nothing is sent any more, the pipes lead to who does."""
        self._outbox.clear()
        for stream in self.streams:
            stream.write_to_descriptor()

    def end_fork(self) -> None:
        """Write what such a process still holds."""
        for stream in self.streams:
            stream.reopen()
            stream.flush()

    def _notice_programs(self, event: str, _: tuple[Any, ...]) -> None:
        if event in SPAWNING:
            self._spawned = True
            for stream in self.streams:
                stream.follow_programs()
