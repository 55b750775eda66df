"""A ZeroMQ socket on the asyncio loop."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count

import zmq

MAX_MESSAGE_BYTES = 128 * 1024 * 1024
IDENTITY = b"kerneld"
"""Equal on shell, control and stdin, so that a kernel can route an `input_request` to whoever executes."""

_RECEIVE_HIGH_WATER_MARK = 16
"""Few, for each may be large, and what is not taken here waits in the kernel: our kernel's iopub does not drop.

With fewer, ZeroMQ's thread and ours wait for each other so often that small messages are half as fast.
"""

_MESSAGES_A_TURN = 64
_BYTES_A_TURN = 4 * 1024 * 1024
_NEVER_MS = 2**31 - 1
_monitors = count(1)


class Channel:
    """One connected socket; calls `on_message` with the parts of each message that arrives."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        kind: int,
        address: str,
        on_message: Callable[[list[bytes]], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_message = on_message
        self._socket = socket = context.socket(kind)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
        socket.setsockopt(zmq.RCVHWM, _RECEIVE_HIGH_WATER_MARK)
        # The kernel has bound before we connect, and whoever binds that path after it is not the kernel. Not -1,
        # with which libzmq throws away what a kernel said before it died.
        socket.setsockopt(zmq.RECONNECT_IVL, _NEVER_MS)
        if kind == zmq.SUB:
            socket.setsockopt(zmq.SUBSCRIBE, b"")
        else:
            socket.setsockopt(zmq.ROUTING_ID, IDENTITY)
        # The events are sent by the thread that reads, behind the messages that it has read.
        self._monitor: zmq.Socket[bytes] = context.socket(zmq.PAIR)
        events = f"inproc://events-{next(_monitors)}"
        socket.monitor(events, zmq.EVENT_DISCONNECTED)
        self._monitor.connect(events)
        self._loop.add_reader(int(self._monitor.getsockopt(zmq.FD)), self._hear_events)
        socket.connect(address)
        self._descriptor = int(socket.getsockopt(zmq.FD))
        self._paused = False
        self._closed = False
        self._hung_up = False
        self.exhausted: asyncio.Future[None] = self._loop.create_future()
        """Done when the kernel's end is closed and all that was sent has been heard."""
        self._loop.add_reader(self._descriptor, self._drain)
        # Both descriptors are edge-triggered, and tell of nothing before the first look.
        self._loop.call_soon(self._hear_events)
        self._loop.call_soon(self._drain)

    def send(self, parts: Sequence[bytes]) -> None:
        """Send now; raises `zmq.Again` when the kernel takes nothing."""
        self._socket.send_multipart(parts, zmq.NOBLOCK)
        # The descriptor is edge-triggered, and sending may have used up the edge of a message that came in.
        self._loop.call_soon(self._drain)

    def pause(self) -> None:
        """Take no more messages; the kernel blocks when the pipes to it are full."""
        if not self._paused and not self._closed:
            self._paused = True
            self._loop.remove_reader(self._descriptor)

    def resume(self) -> None:
        if self._paused and not self._closed:
            self._paused = False
            self._loop.add_reader(self._descriptor, self._drain)
            self._loop.call_soon(self._drain)

    @property
    def paused(self) -> bool:
        return self._paused

    def close(self) -> None:
        if self._closed:
            return
        self.pause()
        self._closed = True
        self._loop.remove_reader(int(self._monitor.getsockopt(zmq.FD)))
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close()

    def _drain(self) -> None:
        budget = _BYTES_A_TURN
        for _ in range(_MESSAGES_A_TURN):
            if self._paused or self._closed:
                return
            try:
                parts = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                if self._hung_up and not self.exhausted.done():
                    self.exhausted.set_result(None)
                return
            self._on_message(parts)
            budget -= sum(map(len, parts))
            if budget < 0:
                break
        self._loop.call_soon(self._drain)

    def _hear_events(self) -> None:
        with suppress(zmq.Again):
            while not self._closed:
                self._monitor.recv_multipart(zmq.NOBLOCK)
                self._hung_up = True
                self._loop.call_soon(self._drain)
