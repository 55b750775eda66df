"""The iopub channel: one socket, many writers, and nothing dropped."""

import select
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import zmq

from .interrupts import Interrupts

HIGH_WATER_MARK = 64
"""Messages under way to a subscriber before its writer waits."""

_RECHECK_MS = 100
_ENDED = "inproc://iopub-ended"
_NO_WAIT = int(zmq.NOBLOCK)
_MORE = int(zmq.SNDMORE)


class Publisher:
    """An XPUB socket that any thread may send on.

    A message is queued first and then sent by whoever holds the lock, so one that was interrupted while it waited, or
    that a finaliser or signal handler sent in the middle of another, is neither lost nor mixed up with it.
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        address: str,
        interrupts: Interrupts,
        welcome: Callable[[bytes], list[bytes]],
    ):
        """`welcome` makes the message that answers a subscription to a topic."""
        self._context = context
        self._socket = context.socket(zmq.XPUB)
        self._socket.set(zmq.XPUB_NODROP, 1)
        self._socket.set(zmq.XPUB_VERBOSE, 1)
        self._socket.set(zmq.SNDHWM, HIGH_WATER_MARK)
        self._socket.set(zmq.LINGER, 1000)
        self._socket.bind(address)
        self._interrupts = interrupts
        self._welcome = welcome
        self._queue: deque[Sequence[Any]] = deque()
        self._lock = threading.Lock()
        self._owner = 0
        self._position = 0
        self._open = True
        self.descriptor: int = self._socket.get(zmq.FD)
        self._room = select.poll()
        self._room.register(self.descriptor, select.POLLIN)

    def send_multipart(self, frames: Sequence[Any], *_: Any, **__: Any) -> None:
        """Send, and wait while a subscriber's pipe is full; an exception raised by a signal handler ends the wait."""
        self.queue_multipart(frames)
        self.send_queued()

    def queue_multipart(self, frames: Sequence[Any]) -> None:
        """Have it sent by whoever sends next."""
        if self._open:
            self._queue.append(frames)

    def send_queued(self) -> None:
        """Send what is queued, as `send_multipart` does."""
        if self._owner == threading.get_ident():
            return
        while self._queue and self._open:
            with self._lock:
                self._owner = threading.get_ident()
                try:
                    self._send_queued()
                finally:
                    self._owner = 0

    def offer_multipart(self, frames: Sequence[Any], *_: Any, **__: Any) -> None:
        """Send unless that would mean to wait: for what nobody misses, from a thread that must not stop."""
        if not self._lock.acquire(blocking=False):
            return
        self._owner = threading.get_ident()
        try:
            if self._open and not self._queue:
                self._queue.appendleft(frames)
                if not self._send_first():
                    self._queue.popleft()
        finally:
            self._owner = 0
            self._lock.release()

    def read_subscriptions(self) -> None:
        """Answer new subscriptions; called when `descriptor` is readable. A sender at work does it by itself."""
        if not self._lock.acquire(blocking=False):
            return
        self._owner = threading.get_ident()
        try:
            if self._open:
                self._take_subscriptions()
                # A welcome that finds a pipe full stays in the queue for the next sender.
                while self._queue and self._send_first():
                    pass
        finally:
            self._owner = 0
            self._lock.release()

    def close(self) -> None:
        """Close; what was sent is still delivered within the linger time of the socket."""
        with self._lock:
            if self._open:
                self._open = False
                self._socket.close()

    def finish(self, limit_s: float) -> None:
        """Close, and wait until what was sent is with the subscribers, or the time is over."""
        ended = self._context.socket(zmq.PAIR)
        with self._lock:
            if not self._open:
                return
            self._open = False
            self._socket.monitor(_ENDED, zmq.EVENT_MONITOR_STOPPED)
            ended.connect(_ENDED)
            self._socket.close()
        # The socket's last word: its monitor stops when its connections have taken everything.
        ended.poll(round(limit_s * 1000))

    def abandon(self) -> None:
        """Never touch the socket again: it belongs to the process that this one was forked from."""
        self._open = False
        self._queue.clear()

    def _send_queued(self) -> None:
        while self._queue and self._open:
            if self._send_first():
                self._take_subscriptions()
            else:
                self._room.poll(_RECHECK_MS)
                # Reading the events has the socket take notice that its peer has read.
                self._socket.get(zmq.EVENTS)

    def _send_first(self) -> bool:
        """Hand the first message over, going on where an exception broke it off; false where there is no room."""
        with self._interrupts.held():
            frames = self._queue[0]
            last = len(frames) - 1
            while self._position <= last:
                position = self._position
                # Counted before it is done: what a signal handler of user code's raises comes after the frame went.
                self._position += 1
                try:
                    self._socket.send(frames[position], _NO_WAIT | (_MORE if position < last else 0))
                except zmq.Again:
                    self._position = position
                    return False
            self._position = 0
            self._queue.popleft()
            return True

    def _take_subscriptions(self) -> None:
        while self._socket.get(zmq.EVENTS) & zmq.POLLIN:
            message = self._socket.recv(zmq.NOBLOCK)
            if message[:1] == b"\x01":
                self._queue.append(self._welcome(message[1:]))
