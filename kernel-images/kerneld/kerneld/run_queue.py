"""The runs that wait for one kernel, in order."""

from collections import deque
from collections.abc import Iterable

from kerneld.errors import RequestError
from kerneld.journal import Journal
from kerneld.run import Run

QUEUE_LIMIT = 64
_CODE_BYTES = 32 * 1024 * 1024


class RunQueue:
    """A bounded queue that tells each run its position, in the journal, whenever that changes."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: deque[Run] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def check_room(self, run: Run) -> None:
        """Raises `RequestError` when `run` finds no place."""
        if len(self._waiting) >= QUEUE_LIMIT:
            raise RequestError("queue_full", f"{QUEUE_LIMIT} runs are waiting, which is the limit")
        code = sum(len(waiting.specification.code) for waiting in self._waiting)
        if self._waiting and code + len(run.specification.code) > _CODE_BYTES:
            raise RequestError("queue_full", f"the code that waits is limited to {_CODE_BYTES} bytes")

    def add(self, run: Run, ahead: int, generation: int) -> None:
        """Queue `run`; `ahead` is 1 while another runs."""
        self._waiting.append(run)
        self._place(run, len(self._waiting) - 1 + ahead, generation)

    @property
    def ends(self) -> tuple[Run, Run] | None:
        """The first and the last that waits."""
        return (self._waiting[0], self._waiting[-1]) if self._waiting else None

    def take(self) -> Run | None:
        """The next run, out of the queue."""
        return self._waiting.popleft() if self._waiting else None

    def remove(self, run: Run) -> bool:
        """Take `run` out of its place; False when it does not wait here."""
        if run not in self._waiting:
            return False
        self._waiting.remove(run)
        return True

    def clear(self) -> Iterable[Run]:
        """All runs, out of the queue."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def renumber(self, ahead: int, generation: int) -> None:
        """Write the positions that have changed."""
        for index, run in enumerate(self._waiting):
            if run.position != index + ahead:
                self._place(run, index + ahead, generation)

    def _place(self, run: Run, position: int, generation: int) -> None:
        run.position = position
        run.record(self._journal, generation, "queued", position=position)
