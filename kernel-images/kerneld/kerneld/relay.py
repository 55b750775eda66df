"""From a kernel's messages to records of the journal."""

import secrets
from contextlib import suppress
from typing import Any

from kerneld.artifacts import Artifacts
from kerneld.content import Content, attach, fit, parse
from kerneld.frame import dump, members
from kerneld.journal import Journal
from kerneld.messages import MAX_METADATA_BYTES, InvalidMessage, Message
from kerneld.output import Output
from kerneld.run import Run

_STREAMS = ("stdout", "stderr")
_MAX_STREAM_BYTES = 640 * 1024
_PIECE_CHARACTERS = 64 * 1024


class Relay:
    """Writes the messages of one kernel into the journal."""

    def __init__(self, kernel_id: str, ordinal: int, journal: Journal, artifacts: Artifacts) -> None:
        self._kernel_id = kernel_id
        self._ordinal = ordinal
        self._journal = journal
        self._artifacts = artifacts

    def stream(self, message: Message, run: Run | None, generation: int, output: Output | None) -> None:
        """Text of a standard stream; past `output`'s limit it is held back. Raises `InvalidMessage`."""
        value, verbatim = parse(message.content)
        name, text = value.get("name"), value.get("text")
        if not isinstance(text, str) or name not in _STREAMS:
            raise InvalidMessage("the content is not a stream's")
        if output is not None:
            admitted = output.admit(name, text)
            if not admitted and text:
                return
            verbatim = verbatim and admitted is text
            text = admitted
        if verbatim and len(message.content) <= _MAX_STREAM_BYTES:
            self._append(message, run, generation, Content(value, message.content), "iopub")
            return
        self.text(message, run, generation, name, text)

    def text(self, message: Message, run: Run | None, generation: int, name: str, text: str) -> None:
        """Text as `stream` messages that each fit a frame."""
        for start in range(0, len(text), _PIECE_CHARACTERS):
            value = {"name": name, "text": text[start : start + _PIECE_CHARACTERS]}
            self._append(message, run, generation, Content(value, dump(value)), "iopub")

    def message(self, message: Message, run: Run | None, generation: int, channel: str) -> int:
        """Any other message; the number of its record. Raises `InvalidMessage`."""
        content = fit(message.msg_type, message.content, self._artifacts)
        if message.msg_type.startswith("comm_"):
            attach(content, message.parts[4:])
        return self._append(message, run, generation, content, channel)

    def page(self, data: dict[str, Any], run: Run, generation: int) -> None:
        """What was meant for a pager, as a display: a run has no other place for it."""
        content = dump({"data": data, "metadata": {}, "transient": {}})
        own = Message("display_data", secrets.token_hex(16), run.id, b"{}", content)
        with suppress(InvalidMessage):
            self.message(own, run, generation, "iopub")

    def held_back(self, run: Run, generation: int, output: Output) -> None:
        """What is left of the text past a run's limit."""
        for name, dropped_bytes, tail in output.held_back():
            if dropped_bytes:
                run.record(
                    self._journal, generation, "output_truncated", name=name, dropped_bytes=dropped_bytes
                )
            own = Message("stream", secrets.token_hex(16), run.id, b"{}", b"")
            self.text(own, run, generation, name, tail)

    def _append(
        self, message: Message, run: Run | None, generation: int, content: Content, channel: str
    ) -> int:
        late = run is not None and run.state == "finished"
        parent_id = message.parent_id
        parts = [
            b'"kind":"message","run":%s,%s"kernel":"%s","generation":%d,"channel":"%s","msg_type":"%s",'
            b'"msg_id":"%s","parent_id":%s,"metadata":%s,"content":'
            % (
                b"null" if run is None else b'"%s"' % run.id.encode(),
                b'"late":true,' if late else b"",
                self._kernel_id.encode(),
                generation,
                channel.encode(),
                message.msg_type.encode(),
                message.msg_id.encode(),
                b"null" if parent_id is None else b'"%s"' % parent_id.encode(),
                _metadata(message.metadata),
            ),
            content.data,
        ]
        if content.blob_heads:
            parts.append(b"," + members(blobs=content.blob_heads))
        if content.dropped_buffers:
            parts.append(b"," + members(dropped_buffers=content.dropped_buffers))
        ordinal = 0 if run is None or late else run.ordinal
        n = self._journal.append(parts, content.blobs, ordinal, self._ordinal)
        if run is not None and not late:
            run.noted(n)
        return n


def _metadata(data: bytes) -> bytes:
    if data == b"{}":
        return data
    value, verbatim = parse(data)
    if verbatim:
        return data
    made = dump(value)
    return made if len(made) <= MAX_METADATA_BYTES else b"{}"
