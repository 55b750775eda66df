"""How much of a run's text is passed on: the head as it comes, a tail at the end, and a count between them."""

from typing import NamedTuple

_TAIL_BYTES = 64 * 1024


class HeldBack(NamedTuple):
    """What became of a stream past the limit."""

    name: str
    dropped_bytes: int
    tail: str


class Output:
    """Counts the text of one run's streams and holds back what is over `limit` bytes (UTF-8, both together)."""

    def __init__(self, limit: int) -> None:
        self._room = limit
        self._tail_limit = min(limit // 4, _TAIL_BYTES)
        self._tails = {"stdout": b"", "stderr": b""}
        self._held = {"stdout": 0, "stderr": 0}
        self.total_bytes = {"stdout": 0, "stderr": 0}

    def admit(self, name: str, text: str) -> str:
        """The part of `text` that goes out now; the rest is held back."""
        if text.isascii() and len(text) <= self._room:
            size = len(text)
            self._room -= size
            self.total_bytes[name] += size
            return text
        data = text.encode("utf-8", "replace")
        self.total_bytes[name] += len(data)
        if len(data) <= self._room:
            self._room -= len(data)
            return text
        head = data[: self._room].decode("utf-8", "ignore")
        rest = data[len(head.encode()) :] if head else data
        self._room = 0
        self._held[name] += len(rest)
        if len(rest) < self._tail_limit:
            rest = self._tails[name] + rest
        self._tails[name] = rest[-self._tail_limit :] if self._tail_limit else b""
        return head

    def held_back(self) -> list[HeldBack]:
        """What was held back of each stream."""
        result: list[HeldBack] = []
        for name, held in self._held.items():
            if held:
                tail = self._tails[name].decode("utf-8", "ignore")
                result.append(HeldBack(name, held - len(tail.encode()), tail))
        return result

    def counts(self) -> dict[str, int | bool]:
        """What the run has printed, and whether some of it was dropped."""
        return {
            "stdout_bytes": self.total_bytes["stdout"],
            "stderr_bytes": self.total_bytes["stderr"],
            "truncated": any(item.dropped_bytes for item in self.held_back()),
        }
