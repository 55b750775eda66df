"""Those who listen to what becomes of sandboxes."""

import json
import select
import socket
from collections.abc import Mapping, Sequence
from typing import Any

_MOST = 8


class Listeners:
    """Connections that only ever get lines; one that does not take them is dropped."""

    def __init__(self, listening: socket.socket, ready: select.poll):
        listening.setblocking(False)
        ready.register(listening, select.POLLIN)
        self._listening = listening
        self._ready = ready
        self._connections: dict[int, socket.socket] = {}

    @property
    def any(self) -> bool:
        return bool(self._connections)

    def serve(self, descriptor: int, running: Sequence[int]) -> None:
        """Take a new connection, which is told the running children first, or drop one that has ended."""
        if descriptor != self._listening.fileno():
            if descriptor in self._connections:
                self._drop(descriptor)
            return
        try:
            connection, _ = self._listening.accept()
        except OSError:
            return
        if len(self._connections) >= _MOST:
            connection.close()
            return
        connection.setblocking(False)
        self._connections[connection.fileno()] = connection
        # Not for input: what it sends is never read.
        self._ready.register(connection, select.POLLRDHUP)
        self._send(connection, {"children": running})

    def tell(self, event: Mapping[str, Any]) -> None:
        """Send it to all."""
        for connection in list(self._connections.values()):
            self._send(connection, event)

    def _send(self, connection: socket.socket, event: Mapping[str, Any]) -> None:
        line = json.dumps(event).encode() + b"\n"
        try:
            complete = connection.send(line) == len(line)
        except OSError:
            complete = False
        if not complete:
            self._drop(connection.fileno())

    def _drop(self, descriptor: int) -> None:
        self._ready.unregister(descriptor)
        self._connections.pop(descriptor).close()
