"""What a kernel says of itself on iopub: states, texts, errors."""

from typing import Any

from . import parents
from .iopub import Publisher
from .packing import pack
from .parents import Parent
from .session import KernelSession

_STATES = {state: pack({"execution_state": state}) for state in ("starting", "busy", "idle")}


class Publications:
    """The kernel's own messages, each under the topic `kernel.<id>.<type>` or `stream.<name>`."""

    def __init__(self, session: KernelSession, sink: Publisher, kernel_id: str):
        self._session = session
        self._sink = sink
        self._prefix = f"kernel.{kernel_id}."
        self._stream_topics = {name: f"stream.{name}".encode() for name in ("stdout", "stderr")}
        self.status_topic = self.topic("status")

    def topic(self, msg_type: str) -> bytes:
        """The topic of a message type."""
        return f"{self._prefix}{msg_type}".encode()

    def publish(self, msg_type: str, content: dict[str, Any]) -> None:
        """A message that the current request has caused."""
        parent = parents.current().message
        self._session.send(self._sink, msg_type, content, parent, self.topic(msg_type))

    def queue_text(self, name: str, text: str, parent: Parent) -> None:
        """A part of a stream, of a size that the caller bounds; `send` sends it, or whoever sends next."""
        content = pack({"name": name, "text": text})
        self._sink.queue_multipart(
            self._session.frames(self._stream_topics[name], "stream", content, parent)
        )

    def send(self) -> None:
        """Send what is queued."""
        self._sink.send_queued()

    def status(self, state: str, parent: Parent) -> None:
        """`starting`, `busy` or `idle`."""
        frames = self._session.frames(self.status_topic, "status", _STATES[state], parent)
        self._sink.send_multipart(frames)
