"""Which run a kernel executes, which ones wait, and the end of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kerneld.comms import Comms
from kerneld.errors import RequestError
from kerneld.execution import Execution, Result
from kerneld.kernel_process import KernelProcess
from kerneld.relay import Relay
from kerneld.run import Run, now
from kerneld.run_queue import RunQueue
from kerneld.services import Services


@dataclass(slots=True)
class Interpreter:
    """The generation of a kernel that takes runs."""

    generation: int
    process: KernelProcess | None = None
    """None until it is ready, and once it is dead."""
    ran: bool = False
    """Whether it has executed anything."""
    leaving: bool = False
    """Whether its process is being ended: what comes now is for the next generation."""
    oom_kills: int = 0
    """The sandbox's count when the last run began: more of them explain a death."""


class Scheduler:
    """Executes the runs of one kernel, one after the other."""

    def __init__(self, services: Services, relay: Relay) -> None:
        self._services = services
        self._relay = relay
        self._queue = RunQueue(services.journal)
        self.comms = Comms()
        self.interpreter = Interpreter(0)
        self.execution: Execution | None = None
        self.execution_count = 0

    def submit(self, run: Run) -> None:
        """Run it now or queue it. Raises `RequestError`."""
        generation = self.interpreter.generation
        expected = run.specification.expect_generation
        if expected is not None and expected != generation:
            raise RequestError("generation_mismatch", f"the generation is {generation}")
        busy = self.execution is not None or len(self._queue) > 0
        if busy and not run.specification.queue:
            raise RequestError("kernel_busy", "another run is under way")
        process = self._living
        if process is not None and not busy:
            self._execute(run, process)
        else:
            self._queue.check_room(run)
            self._queue.add(run, self._ahead, generation)

    def interrupt(self, run: Run) -> None:
        """Interrupt the run; one that waits is cancelled."""
        if self.execution is not None and self.execution.run is run:
            self.execution.interrupt()
        else:
            self.cancel(run)

    def cancel(self, run: Run) -> None:
        """End the run: at once while it waits, otherwise by interrupt and, after its grace, by force."""
        if self.execution is not None and self.execution.run is run:
            self.execution.cancel()
        elif self._queue.remove(run):
            self._write_end(run, Result("cancelled", "cancelled", "kept"), None)
            self._queue.renumber(self._ahead, self.interpreter.generation)
            self._send_comms()

    def answer(self, run: Run, value: str, n: int | None) -> bool:
        """Answer what the run asks, in record `n` if that is given; False when it does not ask that."""
        execution = self.execution
        return execution is not None and execution.run is run and execution.answer(value, n=n)

    def comm(
        self, msg_type: str, content: dict[str, Any], metadata: dict[str, Any], buffers: Sequence[bytes]
    ) -> None:
        """Send a comm message, once the runs that wait now have been sent. Raises `RequestError`."""
        if self._living is None:
            raise RequestError("kernel_timeout", "the kernel is not running")
        ends = self._queue.ends
        self.comms.add(msg_type, content, metadata, buffers, behind=ends[1].ordinal if ends else 0)
        self._send_comms()

    def resume(self, process: KernelProcess) -> None:
        """The interpreter is ready."""
        self.interpreter.process = process
        self._next()

    def abandon(self, result: Result) -> None:
        """End what is being executed: its interpreter is gone, or about to be."""
        self.comms.clear()
        if self.execution is not None:
            self.execution.ended_by(result)

    def clear(self, result: Result) -> None:
        """End what waits."""
        for run in self._queue.clear():
            self._write_end(run, result, None)
        self._send_comms()

    @property
    def _living(self) -> KernelProcess | None:
        process = self.interpreter.process
        usable = process is not None and process.alive and not self.interpreter.leaving
        return process if usable else None

    @property
    def under_way(self) -> int:
        """How many runs have not ended."""
        return self._ahead + len(self._queue)

    @property
    def _ahead(self) -> int:
        return 0 if self.execution is None else 1

    def _next(self) -> None:
        generation = self.interpreter.generation
        while self.execution is None and (process := self._living):
            run = self._queue.take()
            if run is None:
                return
            if run.specification.expect_generation in (None, generation):
                self._execute(run, process)
                self._queue.renumber(1, generation)
            else:
                self._write_end(run, Result("cancelled", "restarted", "lost"), None)
            self._send_comms()

    def _send_comms(self) -> None:
        process, ends = self._living, self._queue.ends
        if process is not None:
            self.comms.send(process, ends[0].ordinal if ends else None)

    def _execute(self, run: Run, process: KernelProcess) -> None:
        interpreter, services = self.interpreter, self._services
        run.begin(interpreter.generation)
        self.execution = Execution(run, process, services.journal, services.cgroup, self._finished)
        if run.asker is not None:
            run.asker.started()
        run.record(
            services.journal,
            interpreter.generation,
            "execution_started",
            state="kept" if interpreter.ran else "fresh",
            queued_ms=now() - run.created_at,
        )
        services.transcript.begin(run)
        interpreter.ran = True
        interpreter.oom_kills = services.cgroup.oom_kills.read()

    def _finished(self, execution: Execution, result: Result) -> None:
        run = execution.run
        for page in execution.pages:
            self._relay.page(page, run, self.interpreter.generation)
        self._relay.held_back(run, self.interpreter.generation, execution.output)
        if run.execution_count is not None:
            self.execution_count = run.execution_count
        self._write_end(run, result, execution)
        self.execution = None
        if result.status not in ("ok", "cancelled") and run.specification.stop_on_error:
            self.clear(Result("cancelled", "aborted", result.state))
        if result.state == "kept":
            self._next()

    def _write_end(self, run: Run, result: Result, execution: Execution | None) -> None:
        run.finish(result.status)
        run.record(
            self._services.journal,
            self.interpreter.generation,
            "execution_finished",
            status=result.status,
            execution_count=run.execution_count,
            duration_ms=execution.duration_ms if execution else 0,
            state=result.state,
            reason=result.reason,
            usage=execution.usage() if execution else {"cpu_ms": 0, "memory_peak_bytes": 0},
            output=(
                execution.output.counts()
                if execution
                else {"stdout_bytes": 0, "stderr_bytes": 0, "truncated": False}
            ),
        )
        self._services.transcript.end(run)
        if run.asker is not None:
            run.asker.ended(*result, run.specification.stop_on_error)
