"""The shell channel: requests in order, read by the event loop that runs user code."""

import asyncio
from collections.abc import Sequence
from typing import Any

import zmq

from .interrupts import Interrupts
from .parents import Parent
from .session import next_message


class ShellChannel:
    """A ROUTER socket whose requests are awaited."""

    def __init__(self, context: zmq.Context[Any], address: str, interrupts: Interrupts):
        self._socket = context.socket(zmq.ROUTER)
        self._socket.set(zmq.LINGER, 1000)
        self._socket.set(zmq.ROUTER_HANDOVER, 1)
        self._socket.bind(address)
        self._descriptor: int = self._socket.get(zmq.FD)
        self._interrupts = interrupts

    def send_multipart(self, frames: Sequence[Any], *_: Any, **__: Any) -> None:
        """Send a reply."""
        with self._interrupts.held():
            self._socket.send_multipart(frames)

    def waiting(self) -> Parent | None:
        """A request that is there already."""
        return next_message(self._socket)

    async def receive(self) -> Parent:
        """The next request."""
        while (request := self.waiting()) is None:
            loop = asyncio.get_running_loop()
            readable = loop.create_future()
            # Registered only while it is waited for: during a run nobody would read what makes it readable.
            loop.add_reader(self._descriptor, _resolve, readable)
            try:
                await readable
            finally:
                loop.remove_reader(self._descriptor)
        return request

    def close(self) -> None:
        self._socket.close()


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
