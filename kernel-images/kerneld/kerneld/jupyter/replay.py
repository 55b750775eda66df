"""What a client that has gone would have heard."""

from collections import deque
from typing import NamedTuple

LIMIT_BYTES = 4 * 1024 * 1024
LIMIT_MESSAGES = 20_000

_OUTPUT = frozenset(
    ("stream", "display_data", "update_display_data", "execute_result", "error", "clear_output", "comm_msg")
)


class _Entry(NamedTuple):
    size: int
    payload: bytes


class Replay:
    """Keeps the newest messages; past its limits the oldest output goes first, replies and states last."""

    def __init__(self, missed_bytes: int) -> None:
        """`missed_bytes` were sent already and not taken."""
        self._entries: dict[int, _Entry] = {}
        self._output: deque[int] = deque()
        self._next = 0
        self._bytes = 0
        self.dropped_bytes = missed_bytes
        self.parent = b"{}"
        """The parent of the last message that was dropped."""

    def add(self, msg_type: str, payload: bytes, parent: bytes) -> None:
        """Keep a message; `parent` is its parent header."""
        self._entries[self._next] = _Entry(len(payload), payload)
        self._bytes += len(payload)
        if msg_type in _OUTPUT:
            self._output.append(self._next)
        self._next += 1
        while self._bytes > LIMIT_BYTES or len(self._entries) > LIMIT_MESSAGES:
            self._drop(parent)

    def take(self) -> list[bytes]:
        """All that is kept, oldest first; nothing is left."""
        kept = [entry.payload for entry in self._entries.values()]
        self._entries.clear()
        self._output.clear()
        self._bytes = 0
        return kept

    def _drop(self, parent: bytes) -> None:
        number = self._output.popleft() if self._output else next(iter(self._entries))
        entry = self._entries.pop(number)
        self._bytes -= entry.size
        self.dropped_bytes += entry.size
        self.parent = parent
