"""A plain pyzmq client of one kernel, as kerneld is one: DEALER on shell, control and stdin, SUB on iopub."""

import json
import time
import uuid
from typing import Any

import zmq

DELIMITER = b"<IDS|MSG>"


_OUTPUT_AHEAD_MS = 20
"""Output that was sent before a question travels on another socket: as kerneld does, read it first."""


class KernelClient:
    """Connects to the sockets below a directory."""

    def __init__(self, directory: str, receive_high_water_mark: int = 0):
        self._context = zmq.Context.instance()
        identity = uuid.uuid4().bytes
        self._sockets: dict[str, zmq.Socket] = {}
        for channel in ("shell", "control", "stdin"):
            dealer = self._context.socket(zmq.DEALER)
            dealer.set(zmq.IDENTITY, identity)
            self._sockets[channel] = dealer
        iopub = self._context.socket(zmq.SUB)
        iopub.set(zmq.RCVHWM, receive_high_water_mark)
        iopub.subscribe(b"")
        self._sockets["iopub"] = iopub
        self._poller = zmq.Poller()
        self._names: dict[zmq.Socket, str] = {}
        for channel, socket in self._sockets.items():
            socket.set(zmq.LINGER, 0)
            socket.connect(f"ipc://{directory}/{channel}")
            self._poller.register(socket, zmq.POLLIN)
            self._names[socket] = channel

    def close(self) -> None:
        for socket in self._sockets.values():
            socket.close()

    def send(
        self, channel: str, msg_type: str, content: dict[str, Any], metadata: dict[str, Any] | None = None
    ) -> str:
        """Send a request; its id."""
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": msg_type,
            "username": "test",
            "session": "test",
            "date": "2026-01-01T00:00:00Z",
            "version": "5.4",
        }
        parts = [json.dumps(part).encode() for part in (header, {}, metadata or {}, content)]
        self._sockets[channel].send_multipart([DELIMITER, b"", *parts])
        return header["msg_id"]

    def receive(self, timeout_s: float, channels: tuple[str, ...] | None = None) -> dict[str, Any]:
        """The next message; raises `TimeoutError`."""
        deadline = time.monotonic() + timeout_s
        while True:
            ready = [socket for socket, _ in self._poller.poll(max(0, deadline - time.monotonic()) * 1000)]
            if self._sockets["stdin"] in ready and self._sockets["iopub"].poll(_OUTPUT_AHEAD_MS):
                ready.insert(0, self._sockets["iopub"])
            for socket in ready:
                if channels is None or self._names[socket] in channels:
                    return _parsed(self._names[socket], socket.recv_multipart())
            if time.monotonic() >= deadline:
                raise TimeoutError

    def request(
        self, channel: str, msg_type: str, content: dict[str, Any], timeout_s: float = 10
    ) -> dict[str, Any]:
        """Send and await the reply."""
        msg_id = self.send(channel, msg_type, content)
        while True:
            message = self.receive(timeout_s)
            if message["channel"] == channel and message["parent_id"] == msg_id:
                return message


def _parsed(channel: str, frames: list[bytes]) -> dict[str, Any]:
    start = frames.index(DELIMITER)
    header, parent, metadata, content = (json.loads(frame) for frame in frames[start + 2 : start + 6])
    return {
        "channel": channel,
        "topic": frames[0].decode("latin-1") if channel == "iopub" else None,
        "msg_type": header["msg_type"],
        "header": header,
        "parent_id": parent.get("msg_id"),
        "metadata": metadata,
        "content": content,
        "buffers": [len(buffer) for buffer in frames[start + 6 :]],
        "bytes": sum(map(len, frames)),
    }
