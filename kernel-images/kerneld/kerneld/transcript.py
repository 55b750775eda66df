"""What was executed, with its source: the cells of the session as a notebook."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kerneld.frame import encode_part
from kerneld.run import Run

_MAX_BYTES = 4 * 1024 * 1024
_MAX_CELLS = 4096
_CELL_BYTES = 400
"""What a cell costs in memory besides its source."""


@dataclass(slots=True)
class _Cell:
    kernel: str
    source: bytes
    run: Run | None
    """None once it is over: what was asked of a run is more than a cell has to keep."""
    head: dict[str, Any]


class Transcript:
    """The sources of the latest runs that have begun, silent ones excepted; the oldest are forgotten first.

    What they said is in the journal, which forgets on its own terms: sources are smaller, and worth more.
    """

    def __init__(self) -> None:
        self._cells: dict[str, _Cell] = {}
        self._bytes = 0
        self._forgotten: dict[str, int] = {}

    def begin(self, run: Run) -> None:
        """The run begins, and has its source still."""
        if run.specification.silent:
            return
        source = run.specification.code.encode()
        self._cells[run.id] = _Cell(run.specification.kernel, source, run, {})
        self._bytes += len(source) + _CELL_BYTES
        while len(self._cells) > 1 and (self._bytes > _MAX_BYTES or len(self._cells) > _MAX_CELLS):
            kernel = self._drop(next(iter(self._cells)))
            self._forgotten[kernel] = self._forgotten.get(kernel, 0) + 1

    def end(self, run: Run) -> None:
        """The run has ended, and its last record is written."""
        cell = self._cells.get(run.id)
        if cell is not None:
            cell.run, cell.head = None, _head(run)

    def forget(self, kernel_id: str) -> None:
        """The kernel was removed."""
        for run_id in [run_id for run_id, cell in self._cells.items() if cell.kernel == kernel_id]:
            self._drop(run_id)
        self._forgotten.pop(kernel_id, None)

    def frames(self, kernel_id: str) -> Iterator[bytes]:
        """The kernel's cells in the order in which they began, behind a frame that says how many are missing."""
        yield encode_part({"forgotten": self._forgotten.get(kernel_id, 0)})
        for cell in self._cells.values():
            if cell.kernel == kernel_id:
                yield encode_part(cell.head if cell.run is None else _head(cell.run), cell.source)

    def _drop(self, run_id: str) -> str:
        cell = self._cells.pop(run_id)
        self._bytes -= len(cell.source) + _CELL_BYTES
        return cell.kernel


def _head(run: Run) -> dict[str, Any]:
    return {
        "run": run.id,
        "generation": run.generation,
        "status": run.status,
        "execution_count": run.execution_count,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "first_n": run.first_n,
        "last_n": run.last_n,
    }
