"""The runs of a sandbox: those that wait, run or ended lately, and the ids of those that are forgotten."""

import hashlib
import secrets
from itertools import count

from kerneld import fields
from kerneld.errors import RequestError
from kerneld.kernels import Kernels
from kerneld.run import Asker, Run, Specification, digest_of

_KEPT = 512
_FORGOTTEN = 100_000


class Runs:
    """Accepts runs and finds them again by id."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._forgotten: dict[bytes, None] = {}
        self._ordinals = count(1)

    def find(self, identifier: str) -> Run | None:
        return self._runs.get(identifier)

    def get(self, identifier: str) -> Run:
        """Raises `RequestError` for one that is unknown or forgotten."""
        run = self._runs.get(identifier)
        if run is None:
            if _hash(identifier) in self._forgotten:
                raise RequestError("execution_forgotten", "the run is over and no longer kept")
            raise RequestError("execution_not_found", "there is no such run")
        return run

    def newest_first(self) -> list[Run]:
        return list(reversed(self._runs.values()))

    def put(self, identifier: str, body: fields.Body, kernels: Kernels) -> tuple[Run, bool]:
        """The run of that id, and whether it is new. Raises `RequestError`."""
        specification = Specification.of(body)
        existing = self._runs.get(identifier)
        if existing is not None:
            digest = existing.digest or digest_of(existing.specification)
            if digest != digest_of(specification):
                raise RequestError("execution_conflict", "a run of this id has another body")
            return existing, False
        if _hash(identifier) in self._forgotten:
            raise RequestError("execution_forgotten", "the run is over and no longer kept")
        return self._start(identifier, specification, kernels, None), True

    def start(self, wish: str, specification: Specification, kernels: Kernels, asker: Asker) -> Run:
        """A new run, of the id `wish` where that is one and not taken. Raises `RequestError`."""
        taken = wish in self._runs or _hash(wish) in self._forgotten
        usable = fields.RUN_ID.fullmatch(wish) is not None and not taken
        identifier = wish if usable else f"jupyter-{secrets.token_hex(12)}"
        return self._start(identifier, specification, kernels, asker)

    def _start(
        self, identifier: str, specification: Specification, kernels: Kernels, asker: Asker | None
    ) -> Run:
        kernel = kernels.get(specification.kernel)
        run = Run(identifier, next(self._ordinals), specification, kernel.ordinal, asker)
        # Known before it runs: what its kernel says at once must find it.
        self._runs[identifier] = run
        try:
            kernel.submit(run)
        except BaseException:
            del self._runs[identifier]
            raise
        self._forget_oldest(kernels)
        return run

    def _forget_oldest(self, kernels: Kernels) -> None:
        if len(self._runs) <= _KEPT or len(self._runs) - kernels.runs_under_way <= _KEPT:
            return
        oldest = next((run for run in self._runs.values() if run.state == "finished"), None)
        if oldest is not None:
            del self._runs[oldest.id]
            self._forgotten[_hash(oldest.id)] = None
            if len(self._forgotten) > _FORGOTTEN:
                del self._forgotten[next(iter(self._forgotten))]


def _hash(identifier: str) -> bytes:
    return hashlib.blake2b(identifier.encode(), digest_size=12).digest()
