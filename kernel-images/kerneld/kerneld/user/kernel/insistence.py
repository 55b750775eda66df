"""SIGINT, said again to a main thread that could not hear it.

The handler that CPython has for signals only leaves a note, which the main thread finds at its next instruction. A
signal that comes between an instruction and the system call that it makes, a sleep or a lock, ends no wait: the note
lies there until the wait is over.
"""

import signal
import socket
import threading
import time

_FIRST_S = 0.005
_LONGEST_S = 1.0
_BYTES = 4096


class Insistence:
    """Repeats SIGINT until the main thread has found it; all of it in the process that has called `install`."""

    def __init__(self) -> None:
        self._main_thread = threading.get_ident()
        self._heard = 0
        self._next_s = _FIRST_S
        self._due: float | None = None
        self._sockets: tuple[socket.socket, socket.socket] | None = None

    def install(self) -> None:
        """Have the arrival of each signal noted here, unless user code's event loop has it noted there; in the main thread."""
        self._main_thread = threading.get_ident()
        if self._sockets is None:
            self._sockets = socket.socketpair()
            for end in self._sockets:
                end.setblocking(False)
        own = self._sockets[1].fileno()
        before = signal.set_wakeup_fd(own, warn_on_full_buffer=False)
        if before not in (-1, own):
            signal.set_wakeup_fd(before, warn_on_full_buffer=False)
        self.hear()

    def leave(self) -> None:
        """In a forked process: its signals are its own."""
        signal.set_wakeup_fd(-1)
        self._sockets = None

    @property
    def descriptor(self) -> int:
        """Readable when a signal has come that was not found yet."""
        assert self._sockets is not None
        return self._sockets[0].fileno()

    @property
    def noted(self) -> bool:
        """Whether a SIGINT has come that was not found yet, and will be repeated."""
        return signal.SIGINT in self._read(socket.MSG_PEEK)

    def hear(self) -> None:
        """The main thread has found what came before."""
        self._heard += 1
        self._read(0)

    def insist(self, handler: object) -> float | None:
        """Repeat what is due, while `handler` is whom SIGINT is for.

        The seconds after which to call this again; None where it is time when `descriptor` is readable.
        """
        heard = self._heard
        came = self._read(socket.MSG_PEEK)
        if signal.SIGINT not in came or signal.getsignal(signal.SIGINT) != handler:
            if came:
                self._read(0)
            self._due = None
            return None
        now = time.monotonic()
        if self._due is None:
            self._next_s = _FIRST_S
            self._due = now + _FIRST_S
        elif now >= self._due:
            self._next_s = min(self._next_s * 2, _LONGEST_S)
            self._due = now + self._next_s
            # What was found meanwhile must not be said twice. From here to the call no other thread can run.
            if self._heard == heard:
                signal.pthread_kill(self._main_thread, signal.SIGINT)
        return max(0.0, self._due - now)

    def _read(self, flags: int) -> bytes:
        if self._sockets is None:
            return b""
        try:
            return self._sockets[0].recv(_BYTES, flags)
        except OSError:
            return b""
