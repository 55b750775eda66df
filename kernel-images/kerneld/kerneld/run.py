"""A run: one piece of code for one kernel, from its acceptance to its one end."""

import hashlib
import json
import time
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from kerneld import fields
from kerneld.errors import RequestError
from kerneld.frame import members
from kerneld.journal import Journal

Status = Literal["ok", "error", "interrupted", "timed_out", "kernel_died", "cancelled"]
StateAfter = Literal["kept", "lost"]
Stdin = Literal["deny", "ask"] | list[str]

_MAX_OUTPUT_BYTES = 2**40
_FIELDS = (
    "kernel",
    "code",
    "timeout_s",
    "grace_s",
    "env",
    "cwd",
    "stdin",
    "max_output_bytes",
    "expect_generation",
    "silent",
    "store_history",
    "stop_on_error",
    "queue",
)


@dataclass(slots=True)
class Specification:
    """What a run was asked to be: the body of `PUT /runs/{id}`."""

    kernel: str
    code: str
    timeout_s: float
    grace_s: float
    env: dict[str, str]
    cwd: str | None
    stdin: Stdin
    max_output_bytes: int
    expect_generation: int | None
    silent: bool
    store_history: bool
    stop_on_error: bool
    queue: bool

    @classmethod
    def of(cls, body: fields.Body) -> "Specification":
        """Check a request's body. Raises `RequestError`."""
        fields.only(body, _FIELDS)
        return cls(
            kernel=fields.kernel_id(body, "kernel"),
            code=fields.text(body, "code"),
            timeout_s=fields.seconds(body, "timeout_s", positive=True),
            grace_s=fields.seconds(body, "grace_s"),
            env=fields.environment(body, "env"),
            cwd=fields.text_or_null(body, "cwd"),
            stdin=_stdin(body),
            max_output_bytes=fields.integer(body, "max_output_bytes", 0, _MAX_OUTPUT_BYTES),
            expect_generation=None
            if body.get("expect_generation") is None
            else fields.integer(body, "expect_generation", 0),
            silent=fields.boolean(body, "silent"),
            store_history=fields.boolean(body, "store_history"),
            stop_on_error=fields.boolean(body, "stop_on_error"),
            queue=fields.boolean(body, "queue"),
        )


class Asker(Protocol):
    """A client of the kernel's own protocol that a run was started for."""

    msg_id: str
    """The id of its `execute_request`."""

    def take_parts(self) -> list[bytes]:
        """The request's parts; asked for once."""
        ...

    def started(self) -> None: ...

    def replied(self) -> None:
        """The kernel's reply has come, and went to the client."""
        ...

    def ended(self, status: str, reason: str | None, state: str, stop_on_error: bool) -> None: ...


class Run:
    """What is known of a run; `Execution` makes it run."""

    def __init__(
        self,
        identifier: str,
        ordinal: int,
        specification: Specification,
        kernel_ordinal: int,
        asker: Asker | None = None,
    ) -> None:
        self.id = identifier
        self.asker = asker
        self.msg_id = identifier if asker is None else asker.msg_id
        """What the messages that it causes have as their parent."""
        self.ordinal = ordinal
        self.specification = specification
        self.kernel_ordinal = kernel_ordinal
        self.digest = b""
        self.generation: int | None = None
        self.state: Literal["queued", "running", "finished"] = "queued"
        self.position = 0
        self.first_n: int | None = None
        self.last_n: int | None = None
        self.end: tuple[int, bytes] | None = None
        """Number and frame of its last record, which outlives the journal's."""
        self.created_at = now()
        self.started_at: int | None = None
        self.finished_at: int | None = None
        self.status: Status | None = None
        self.execution_count: int | None = None
        self.waiting_for_input = False

    def record(self, journal: Journal, generation: int, event: str, **details: Any) -> None:
        """Write a `run` record."""
        body = members(
            kind="run",
            run=self.id,
            kernel=self.specification.kernel,
            generation=generation,
            event=event,
            **details,
        )
        n = journal.append((body,), (), self.ordinal, self.kernel_ordinal)
        self.noted(n)
        if event == "execution_finished":
            self.end = (n, journal.last_frame())

    def noted(self, n: int) -> None:
        """Record `n` belongs to this run."""
        if self.first_n is None:
            self.first_n = n
        self.last_n = n

    def begin(self, generation: int) -> None:
        """It runs now."""
        self.state = "running"
        self.position = 0
        self.generation = generation
        self.started_at = now()

    def finish(self, status: Status) -> None:
        """The end of a run; what it was asked to be is no longer needed."""
        self.state = "finished"
        self.status = status
        self.finished_at = now()
        self.waiting_for_input = False
        self.digest = self.digest or digest_of(self.specification)
        self.specification.code = ""

    def as_object(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kernel": self.specification.kernel,
            "timeout_s": self.specification.timeout_s,
            "grace_s": self.specification.grace_s,
            "generation": self.generation,
            "state": self.state,
            "position": self.position,
            "first_n": self.first_n,
            "last_n": self.last_n,
            "created_at": self.created_at,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "status": self.status,
            "execution_count": self.execution_count,
            "waiting_for_input": self.waiting_for_input,
        }


def now() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def digest_of(specification: Specification) -> bytes:
    """Equal for equal specifications."""
    values = [getattr(specification, name) for name in _FIELDS]
    return hashlib.blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=16).digest()


def _stdin(body: fields.Body) -> Stdin:
    value = body.get("stdin")
    if value == "deny" or value == "ask":
        return value
    if isinstance(value, list):
        return fields.strings(body, "stdin")
    raise RequestError("invalid_request", "stdin must be deny, ask or an array of strings")
