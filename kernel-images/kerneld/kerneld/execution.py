"""A run while it runs: its deadline, its output, its questions, and the moment when it has ended."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from kerneld.cgroup import Cgroup
from kerneld.content import parse
from kerneld.execute_messages import asks_exit, execute_request, payload
from kerneld.journal import Journal
from kerneld.kernel_process import KernelProcess
from kerneld.messages import InvalidMessage, Message, reply_to
from kerneld.output import Output
from kerneld.process_group import clock
from kerneld.run import Run, StateAfter, Status

_GRACE_S = 0.5
_EXIT_S = 6
_ENTRY_S = 0.25
_SETTLE_S = 0.02
_HEARING_S = 0.02
_END_OF_FILE = "\x04"
_MAX_PAGES = 16

Cause = Literal["interrupted", "cancelled", "timed_out"]


class Result(NamedTuple):
    """How a run ended."""

    status: Status
    reason: str | None
    state: StateAfter


class Execution:
    """Sends a run to its kernel and follows it to its end; `on_finished` comes exactly once."""

    def __init__(
        self,
        run: Run,
        process: KernelProcess,
        journal: Journal,
        cgroup: Cgroup,
        on_finished: Callable[["Execution", Result], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._process = process
        self._journal = journal
        self._cgroup = cgroup
        self._on_finished = on_finished
        self._cause: Cause | None = None
        self._reply: dict[str, Any] | None = None
        self._idle = False
        self._entered_at: float | None = None
        self._exiting = False
        self._interrupt_waits = False
        self._killed = False
        self._finished = False
        self._input_id: str | None = None
        self._input_n: int | None = None
        self._heard = 0
        self._timers: list[asyncio.TimerHandle] = []
        self._patience: asyncio.TimerHandle | None = None
        stdin = run.specification.stdin
        self._lines = list(stdin) if isinstance(stdin, list) else None
        self.run = run
        self.output = Output(run.specification.max_output_bytes)
        self._began = clock()
        # Sent before anything is written about it: what follows happens while the kernel works.
        process.send_shell(execute_request(run))
        self._started = time.monotonic()
        self._cpu_before = cgroup.cpu_microseconds.read()
        self._timers.append(self._loop.call_later(run.specification.timeout_s, self._deadline))

    @property
    def killed_for(self) -> str | None:
        """Why this execution had its kernel killed."""
        if not self._killed:
            return None
        return "deadline" if self._cause == "timed_out" else "cancelled"

    @property
    def exiting(self) -> bool:
        """Whether the code has asked for the kernel's end."""
        return self._exiting

    @property
    def question(self) -> str | None:
        """The id of the `input_request` that waits for an answer from outside."""
        return self._input_id if self.run.waiting_for_input else None

    @property
    def pages(self) -> list[dict[str, Any]]:
        """MIME bundles that the kernel had for a pager, such as the help that `name?` asks for."""
        return [
            item["data"]
            for item in payload(self._reply or {})[:_MAX_PAGES]
            if item.get("source") == "page" and isinstance(item.get("data"), dict)
        ]

    def interrupt(self) -> None:
        """SIGINT, once the code has been entered: the kernel ignores what comes before."""
        if self._cause is None:
            self._cause = "interrupted"
        self._interrupt()

    def cancel(self) -> None:
        """Interrupt, and kill the kernel when that does not help within the grace."""
        if self._cause in (None, "interrupted"):
            self._cause = "cancelled"
            self._interrupt()
            self._allow_grace()

    def answer(self, value: str, parts: list[bytes] | None = None, n: int | None = None) -> bool:
        """Answer the `input_request` that waits, with a client's own message if there is one; False when none does,
        or not the one of record `n`."""
        if self._input_id is None or n not in (None, self._input_n):
            return False
        reply = reply_to(self._input_id, "input_reply", {"value": value}) if parts is None else parts
        self._process.send_stdin(reply)
        self._input_id = None
        self.run.waiting_for_input = False
        return True

    def input_requested(self, message: Message) -> bool:
        """The code asks for input; returns whether somebody outside has to answer."""
        if self.run.specification.stdin == "deny" or self._finished:
            return False
        self._input_id = message.msg_id
        self._input_n = None
        if self._lines is not None:
            self.answer(self._lines.pop(0) if self._lines else _END_OF_FILE)
            return False
        self.run.waiting_for_input = True
        return True

    def input_announced(self, n: int) -> None:
        """The question that waits stands in the journal, as record `n`."""
        self._input_n = n

    def input_withdrawn(self, question: object) -> None:
        """The code asks that no more: an exception has ended its wait."""
        if self._input_id is not None and self._input_id == question:
            self._input_id = None
            self.run.waiting_for_input = False

    def status(self, message: Message) -> None:
        """A `status` message of this run."""
        if parse(message.content)[0].get("execution_state") == "idle":
            self._idle = True
            self._advance()
        elif self.run.specification.silent:
            self._enter()

    def execute_input(self, message: Message) -> None:
        """The code has been entered."""
        self._count(parse(message.content)[0])
        self._enter()

    def replied(self, message: Message) -> None:
        """The `execute_reply` of this run."""
        if self._reply is not None:
            return
        try:
            reply = parse(message.content)[0]
        except InvalidMessage:
            reply = {"status": "error"}
        self._reply = reply
        self._count(reply)
        if asks_exit(reply):
            self._exiting = True
            self._timers.append(self._loop.call_later(_EXIT_S, self._process.kill))
        self._advance()

    def ended_by(self, result: Result) -> None:
        """The kernel is gone, or taken away."""
        if self._cause == "timed_out":
            result = Result("timed_out", "deadline", "lost")
        elif self._cause == "cancelled":
            result = Result("cancelled", "cancelled", "lost")
        self._finish(result)

    def _count(self, content: dict[str, Any]) -> None:
        count = content.get("execution_count")
        if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 2**53:
            self.run.execution_count = count

    def _enter(self) -> None:
        if self._entered_at is None:
            self._entered_at = self._loop.time()
        if self._interrupt_waits:
            self._interrupt_waits = False
            self._interrupt()

    def _interrupt(self) -> None:
        if self._entered_at is None:
            self._interrupt_waits = True
            # It may be busy with something else, or be entered without a word. Once it is, it is interrupted again.
            self._timers.append(self._loop.call_later(_ENTRY_S, self._process.interrupt))
            return
        # A kernel announces the code a moment before it can be interrupted.
        settled = self._entered_at + _SETTLE_S
        self._timers.append(self._loop.call_at(settled, self._process.interrupt))

    def _deadline(self) -> None:
        if self._killed:
            return
        if self._reply is not None and not self._exiting:
            self._finish(self._result())
            return
        self._cause = "timed_out"
        self.run.record(self._journal, self.run.generation or 0, "deadline", step="interrupt")
        self._interrupt()
        self._allow_grace()

    def _allow_grace(self) -> None:
        self._timers.append(self._loop.call_later(self.run.specification.grace_s, self._hear_out))

    def _hear_out(self) -> None:
        # Where this process was kept waiting itself, what the kernel has said in time is still to be read.
        self._timers.append(self._loop.call_later(_HEARING_S, self._kill))

    def _kill(self) -> None:
        if self._finished or self._killed:
            return
        self._killed = True
        if self._cause == "timed_out":
            self.run.record(self._journal, self.run.generation or 0, "deadline", step="kill")
        self._process.kill()

    @property
    def _over(self) -> bool:
        """Whether nothing that is still said of this run can end it: it has ended, or does so with its kernel."""
        return self._finished or self._exiting or self._killed

    def _advance(self) -> None:
        if self._over:
            return
        if self._reply is not None and self._idle:
            self._finish(self._result())
        else:
            # The other half may be lost; it is not waited for longer than something still comes.
            self._heard = self._process.received
            if self._patience is None:
                self._patience = self._loop.call_later(_GRACE_S, self._half_done)

    def _half_done(self) -> None:
        self._patience = None
        if self._over:
            return
        if self._process.paused or self._process.received != self._heard:
            self._advance()
        else:
            self._finish(self._result())

    def _result(self) -> Result:
        reply = self._reply or {}
        if self._cause == "timed_out":
            return Result("timed_out", "deadline", "kept")
        if self._cause == "cancelled":
            return Result("cancelled", "cancelled", "kept")
        if reply.get("status") == "ok":
            return Result("ok", None, "kept")
        if reply.get("status") in ("aborted", "abort"):
            return Result("cancelled", "aborted", "kept")
        if self._cause == "interrupted" and reply.get("ename", "KeyboardInterrupt") == "KeyboardInterrupt":
            return Result("interrupted", None, "kept")
        return Result("error", "no_reply" if self._reply is None else None, "kept")

    def _finish(self, result: Result) -> None:
        if self._finished:
            return
        self._finished = True
        for timer in self._timers:
            timer.cancel()
        if self._patience is not None:
            self._patience.cancel()
        if self._cause in ("timed_out", "cancelled") and result.state == "kept":
            # A child that was forked in the very moment of the interrupt has not heard of it.
            self._process.kill_followers(self._began)
        self._on_finished(self, result)

    def usage(self) -> dict[str, int]:
        """What the sandbox has used since this run began."""
        spent = self._cgroup.cpu_microseconds.read() - self._cpu_before
        return {
            "cpu_ms": max(0, spent) // 1000,
            "memory_peak_bytes": self._cgroup.memory_peak_bytes.read(),
        }

    @property
    def duration_ms(self) -> int:
        return round((time.monotonic() - self._started) * 1000)
