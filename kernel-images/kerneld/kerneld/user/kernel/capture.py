"""What is written to the descriptors 1 and 2, by programs and C libraries, as output of the run."""

import codecs
import ctypes
import os
import select
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from . import parents
from .parents import Parent

_CHUNK = 65536
_LINE_BUFFERED = 1  # _IOLBF of <stdio.h>

SPAWNING = frozenset({"os.system", "subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec", "pty.spawn"})
"""Audit events after which others than this process's Python code may write."""

_MAX_PIPES = 64
"""Pipes of earlier runs, whose programs go on, that are kept apart from the pipes of the current run."""


@dataclass(slots=True)
class _Pipe:
    name: str
    decoder: codecs.IncrementalDecoder
    parent: Parent | None
    """The run whose programs have it; none before there was one."""


class Capture:
    """Pipes in the place of the descriptors 1 and 2, and the thread that reads them."""

    def __init__(self, take: Callable[[str, str, Parent | None], None]):
        """`take` gets a stream's name, a text and the run it is of; it may wait, and then so do the writers."""
        self._take = take
        self._lock = threading.RLock()
        self._pipes: dict[int, _Pipe] = {}
        self._current: dict[int, int] = {}
        self._writers: dict[int, int] = {}
        # The thread waits for all pipes; who looks has the current run's in mind.
        self._waiting, self._looking = select.epoll(), select.epoll()
        self._libc = ctypes.CDLL(None)
        self._open_pipes(None)
        self._c_stdout = ctypes.c_void_p.in_dll(self._libc, "stdout")
        # C code's lines come out while it runs, as on a terminal.
        self._libc.setvbuf(self._c_stdout, None, _LINE_BUFFERED, ctypes.c_size_t(0))
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None:
                stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]

    def start(self) -> None:
        """Start reading."""
        threading.Thread(target=self._read, name="hotcell-capture", daemon=True).start()

    def begin_run(self, renew: bool) -> None:
        """What comes from now on is the current run's; with `renew`, programs that have descriptors of the run before
        go on writing as that run's."""
        run = parents.latest()
        if renew and len(self._pipes) < _MAX_PIPES:
            with self._lock, suppress(OSError):
                self._open_pipes(run)
                return
        for reader in self._current.values():
            self._pipes[reader].parent = run
        self._repair()

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

    def _open_pipes(self, parent: Parent | None) -> None:
        """Put new pipes in the place of the descriptors; who has the old ones keeps them. Raises `OSError`."""
        for descriptor, name in ((1, "stdout"), (2, "stderr")):
            reader, writer = os.pipe()
            os.set_blocking(reader, False)
            self._pipes[reader] = _Pipe(name, codecs.getincrementaldecoder("utf-8")("replace"), parent)
            self._waiting.register(reader, select.EPOLLIN)
            self._looking.register(reader, select.EPOLLIN)
            os.dup2(writer, descriptor, inheritable=True)
            if descriptor in self._writers:
                self._looking.unregister(self._current[descriptor])
                os.close(self._writers[descriptor])
            # Kept, so that the pipe does not end and a run that closed the descriptor can be given it again.
            self._writers[descriptor] = writer
            self._current[descriptor] = reader

    def _repair(self) -> None:
        """Open the descriptors again where user code has closed them."""
        for descriptor, writer in self._writers.items():
            try:
                os.fstat(descriptor)
            except OSError:
                os.dup2(writer, descriptor, inheritable=True)

    def _read(self) -> None:
        while True:
            # Waits without the lock, so that a run's end need not wait for it.
            ready = self._waiting.poll()
            with self._lock:
                for reader, _ in ready:
                    self._read_chunk(reader)

    def _read_chunk(self, reader: int) -> None:
        pipe = self._pipes.get(reader)
        if pipe is None:
            return
        try:
            data = os.read(reader, _CHUNK)
        except BlockingIOError:
            return
        if text := pipe.decoder.decode(data, final=not data):
            self._take(pipe.name, text, pipe.parent)
        if not data:
            # The last program that had it has ended.
            self._waiting.unregister(reader)
            del self._pipes[reader]
            os.close(reader)
