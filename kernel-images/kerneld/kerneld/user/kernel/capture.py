"""What is written to the descriptors 1 and 2, by programs and C libraries, as output of the run."""

import codecs
import ctypes
import os
import select
import sys
import threading
import time
from collections.abc import Callable

_CHUNK = 65536
_LINE_BUFFERED = 1  # _IOLBF of <stdio.h>

SPAWNING = frozenset({"os.system", "subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec", "pty.spawn"})
"""Audit events after which others than this process's Python code may write."""


class Capture:
    """Pipes in the place of the descriptors 1 and 2, and the thread that reads them."""

    def __init__(self, take: Callable[[str, str], None]):
        """`take` gets a stream's name and a text; it may wait, and then so do the writers."""
        self._take = take
        self._lock = threading.RLock()
        self._pipes: dict[int, tuple[str, codecs.IncrementalDecoder]] = {}
        self._writers: dict[int, int] = {}
        # One for the thread that waits and one for those that look: a poll object serves one caller at a time.
        self._waiting, self._looking = select.poll(), select.poll()
        self._libc = ctypes.CDLL(None)
        for descriptor, name in ((1, "stdout"), (2, "stderr")):
            reader, writer = os.pipe()
            os.set_blocking(reader, False)
            os.dup2(writer, descriptor, inheritable=True)
            # Kept, so that a pipe never ends and a run that closed the descriptor can be given it again.
            self._writers[descriptor] = writer
            self._pipes[reader] = (name, codecs.getincrementaldecoder("utf-8")("replace"))
            self._waiting.register(reader, select.POLLIN)
            self._looking.register(reader, select.POLLIN)
        self._c_stdout = ctypes.c_void_p.in_dll(self._libc, "stdout")
        # C code's lines come out while it runs, as on a terminal.
        self._libc.setvbuf(self._c_stdout, None, _LINE_BUFFERED, ctypes.c_size_t(0))
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None:
                stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]

    def start(self) -> None:
        """Start reading."""
        threading.Thread(target=self._read, name="hotcell-capture", daemon=True).start()

    def fetch(self) -> None:
        """Take what stands in the pipes now."""
        with self._lock:
            for reader, _ in self._looking.poll(0):
                self._read_chunk(reader)

    def drain(self, limit_s: float) -> None:
        """Empty C's buffer and the pipes; a program that goes on writing is left to its own after `limit_s`."""
        self._libc.fflush(self._c_stdout)
        deadline = time.monotonic() + limit_s
        with self._lock:
            while ready := self._looking.poll(0):
                for reader, _ in ready:
                    self._read_chunk(reader)
                if time.monotonic() > deadline:
                    return

    def repair(self) -> None:
        """Open the descriptors again where user code has closed them."""
        for descriptor, writer in self._writers.items():
            try:
                os.fstat(descriptor)
            except OSError:
                os.dup2(writer, descriptor, inheritable=True)

    def _read(self) -> None:
        while True:
            # Waits without the lock, so that a run's end need not wait for it.
            self._waiting.poll()
            self.fetch()

    def _read_chunk(self, reader: int) -> None:
        try:
            data = os.read(reader, _CHUNK)
        except BlockingIOError:
            return
        name, decoder = self._pipes[reader]
        if text := decoder.decode(data):
            self._take(name, text)
