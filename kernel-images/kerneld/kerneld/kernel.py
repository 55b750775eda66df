"""A kernel over all its generations: what it runs, what waits for it, and how it comes back from the dead."""

import asyncio
import secrets
from dataclasses import dataclass
from typing import Any, Literal

from kerneld.child import Exit
from kerneld.content import parse
from kerneld.errors import RequestError
from kerneld.execution import Execution, Result
from kerneld.frame import members
from kerneld.kernel_process import KernelProcess, Launch, Listener
from kerneld.log import note
from kerneld.messages import InvalidMessage, Message, request
from kerneld.relay import Relay
from kerneld.run import Run, now
from kerneld.run_queue import RunQueue
from kerneld.services import Services

_ATTEMPTS = 3
_SOCKETS = "/run/kernels"

ExecutionState = Literal["starting", "idle", "busy", "restarting", "dead"]
type Reply = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class KernelOptions:
    """What a kernel was asked to be."""

    id: str
    language: str
    name: str
    cwd: str | None
    env: dict[str, str]


class Kernel:
    """Owns a kernel's process, its queue and its current execution."""

    def __init__(self, options: KernelOptions, ordinal: int, services: Services) -> None:
        self._services = services
        self._relay = Relay(options.id, ordinal, services.journal, services.artifacts)
        self._queue = RunQueue(services.journal)
        self._process: KernelProcess | None = None
        self._execution: Execution | None = None
        self._replies: dict[str, asyncio.Future[Reply]] = {}
        self._listener = Listener(
            self._on_iopub, self._on_shell, self._on_stdin, self._on_end
        )
        self._launching: asyncio.Task[None] | None = None
        self._ended: asyncio.Event = asyncio.Event()
        self._ending: str | None = None
        self._removed = False
        self._ran = False
        self._failures = 0
        self._oom_kills = 0
        self.options = options
        self.ordinal = ordinal
        self.generation = 0
        self.state: ExecutionState = "starting"
        self.execution_count = 0
        self.last_death: dict[str, Any] | None = None

    def as_object(self) -> dict[str, Any]:
        state = "busy" if self.state == "idle" and self._execution is not None else self.state
        return {
            "id": self.options.id,
            "language": self.options.language,
            "language_version": self._services.zygote.languages.get(self.options.language, ""),
            "name": self.options.name,
            "execution_state": state,
            "generation": self.generation,
            "execution_count": self.execution_count,
            "last_death": self.last_death,
        }

    async def start(self) -> None:
        """The first generation. Raises `RequestError` when it does not come up."""
        self._launching = asyncio.get_running_loop().create_task(self._launch())
        await asyncio.shield(self._launching)

    def submit(self, run: Run) -> None:
        """Run it now or queue it. Raises `RequestError`."""
        specification = run.specification
        if self.state == "dead":
            raise RequestError("kernel_start_failed", "the kernel is dead; restart it")
        expected = specification.expect_generation
        if expected is not None and expected != self.generation:
            raise RequestError("generation_mismatch", f"the generation is {self.generation}")
        busy = self._execution is not None or len(self._queue) > 0
        if busy and not specification.queue:
            raise RequestError("kernel_busy", "another run is under way")
        if self.state == "idle" and not busy:
            self._execute(run)
        else:
            self._queue.check_room(run)
            self._queue.add(run, 0 if self._execution is None else 1, self.generation)

    def interrupt_run(self, run: Run) -> None:
        """Interrupt the run; one that waits is cancelled."""
        if self._execution is not None and self._execution.run is run:
            self._execution.interrupt()
        else:
            self.cancel_run(run)

    def cancel_run(self, run: Run) -> None:
        """End the run: at once while it waits, otherwise by interrupt and, after its grace, by force."""
        if self._execution is not None and self._execution.run is run:
            self._execution.cancel()
        elif self._queue.remove(run):
            self._end_unstarted(run, Result("cancelled", "cancelled", "kept"))
            self._queue.renumber(0 if self._execution is None else 1, self.generation)

    def answer(self, run: Run, value: str) -> bool:
        """Answer what the run asks; False when it asks nothing."""
        execution = self._execution
        return execution is not None and execution.run is run and execution.answer(value)

    def interrupt(self) -> None:
        """Interrupt whatever the kernel does."""
        if self._execution is not None:
            self._execution.interrupt()
        elif self._process is not None:
            self._process.interrupt()

    async def restart(self) -> None:
        """A new generation; what runs or waits ends. Raises `RequestError` when it does not come up."""
        self._end_waiting(Result("cancelled", "restarted", "lost"))
        self._failures = 0
        if self._process is not None:
            self._end_process("restarted")
            await self._ended.wait()
        elif self.state == "dead":
            self._relaunch()
        launching = self._launching
        if launching is not None:
            await asyncio.shield(launching)
        if self._process is None:
            raise RequestError("kernel_start_failed", "the kernel does not start any more")

    async def remove(self) -> None:
        """End the kernel for good, with all its runs."""
        if self._removed:
            return
        self._removed = True
        if self._launching is not None:
            self._launching.cancel()
            await asyncio.wait((self._launching,))
        self._end_waiting(Result("cancelled", "kernel_removed", "lost"))
        if self._process is not None:
            self._end_process("kernel_removed")
            await self._ended.wait()
        self._record("removed")

    async def request(self, msg_type: str, content: dict[str, Any], timeout_s: float) -> Reply:
        """Send a shell request and wait for its reply. Raises `RequestError`."""
        if self._process is None:
            raise RequestError("kernel_timeout", "the kernel is not running")
        msg_id = f"kerneld:{secrets.token_hex(12)}"
        reply = self._replies[msg_id] = asyncio.get_running_loop().create_future()
        self._process.send_shell(request(msg_type, msg_id, content, {}))
        try:
            async with asyncio.timeout(timeout_s):
                return await reply
        except TimeoutError:
            raise RequestError("kernel_timeout", f"no reply within {timeout_s:g} s") from None
        finally:
            self._replies.pop(msg_id, None)

    async def _launch(self) -> None:
        services = self._services
        self.generation += 1
        self._ran = False
        self._ending = None
        self._ended.clear()
        self.execution_count = 0
        self._oom_kills = services.cgroup.oom_kills.read()
        self._record("starting", language=self.options.language)
        launch = Launch(
            self.options.id,
            self.options.language,
            f"{_SOCKETS}/{next(services.launches)}",
            self.options.env,
            self.options.cwd,
            self.generation == 1,
        )
        try:
            process = await KernelProcess.start(
                services.zygote, services.context, launch, self._listener
            )
        except RequestError as problem:
            self._failures += 1
            self._record("dead", reason=_one_line(problem.detail))
            raise
        self._process = process
        self.state = "idle"
        self._record(
            "ready",
            language=self.options.language,
            language_version=services.zygote.languages.get(self.options.language, ""),
        )
        self._next()

    async def _keep_launching(self) -> None:
        while self._failures < _ATTEMPTS:
            try:
                await self._launch()
                return
            except RequestError:
                continue
        self.state = "dead"
        note(f"kernel {self.options.id} does not start any more")
        reason = self.last_death["reason"] if self.last_death else None
        self._end_waiting(Result("kernel_died", reason, "lost"))

    def _relaunch(self) -> None:
        self.state = "restarting"
        self._launching = asyncio.get_running_loop().create_task(self._keep_launching())

    def _execute(self, run: Run) -> None:
        run.state = "running"
        run.position = 0
        run.generation = self.generation
        run.started_at = now()
        assert self._process is not None
        services = self._services
        self._oom_kills = services.cgroup.oom_kills.read()
        self._execution = Execution(
            run, self._process, services.journal, services.cgroup, self._on_finished
        )
        run.record(
            services.journal,
            self.generation,
            "execution_started",
            state="kept" if self._ran else "fresh",
            queued_ms=run.started_at - run.created_at,
        )
        self._ran = True
        self._failures = 0

    def _next(self) -> None:
        while self.state == "idle" and self._execution is None:
            run = self._queue.take()
            if run is None:
                return
            expected = run.specification.expect_generation
            if expected is not None and expected != self.generation:
                self._end_unstarted(run, Result("cancelled", "restarted", "lost"))
            else:
                self._execute(run)
                self._queue.renumber(1, self.generation)

    def _on_finished(self, execution: Execution, result: Result) -> None:
        run = execution.run
        self._relay.held_back(run, self.generation, execution.output)
        if run.execution_count is not None:
            self.execution_count = run.execution_count
        self._write_end(run, result, execution)
        self._execution = None
        failed = result.status not in ("ok", "cancelled")
        if failed and run.specification.stop_on_error:
            self._end_waiting(Result("cancelled", "aborted", result.state))
        if result.state == "kept":
            self._next()

    def _write_end(self, run: Run, result: Result, execution: Execution | None) -> None:
        run.finish(result.status)
        totals = execution.output.total_bytes if execution else {"stdout": 0, "stderr": 0}
        run.record(
            self._services.journal,
            self.generation,
            "execution_finished",
            status=result.status,
            execution_count=run.execution_count,
            duration_ms=execution.duration_ms if execution else 0,
            state=result.state,
            reason=result.reason,
            usage=execution.usage() if execution else {"cpu_ms": 0, "memory_peak_bytes": 0},
            output={
                "stdout_bytes": totals["stdout"],
                "stderr_bytes": totals["stderr"],
                "truncated": execution.output.truncated if execution else False,
            },
        )

    def _end_unstarted(self, run: Run, result: Result) -> None:
        self._write_end(run, result, None)

    def _end_waiting(self, result: Result) -> None:
        for run in self._queue.clear():
            self._end_unstarted(run, result)

    def _end_process(self, reason: str) -> None:
        self._ending = reason
        if self._execution is not None:
            self._execution.ended_by(Result("cancelled", reason, "lost"))
        if self._process is not None:
            self._process.kill()

    def _on_end(self, process: KernelProcess, how: Exit) -> None:
        """The process is dead, and all that it said has been heard."""
        reason = self._ending or self._death_reason(how)
        self._process = None
        self.last_death = {
            "reason": reason,
            "signal": how.signal,
            "exit_code": how.exit_code,
            "at": now(),
        }
        note(f"kernel {self.options.id} generation {self.generation} died: {reason}")
        if process.invalid:
            note(f"kernel {self.options.id} sent {process.invalid} messages that are none")
        if self._execution is not None:
            self._execution.ended_by(Result("kernel_died", reason, "lost"))
        self._record("dead", reason=reason, signal=how.signal, exit_code=how.exit_code)
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(RequestError("kernel_timeout", "the kernel died"))
        if not self._removed:
            if not self._ran:
                self._failures += 1
            self._relaunch()
        self._ended.set()

    def _death_reason(self, how: Exit) -> str:
        execution = self._execution
        if execution is not None and execution.killed_for is not None:
            return execution.killed_for
        if execution is not None and execution.exiting:
            return "exit 0" if how.exit_code is None else how.reason
        if how.signal in (9, None) and self._services.cgroup.oom_kills.read() > self._oom_kills:
            return "oom"
        return how.reason

    def _on_iopub(self, message: Message) -> None:
        execution = self._execution
        own = execution is not None and message.parent_id == execution.run.id
        match message.msg_type:
            case "status":
                if own:
                    execution.status(message)
            case "execute_input":
                if own:
                    execution.execute_input(message)
            case "stream":
                run = execution.run if own else self._run_of(message)
                output = execution.output if own else None
                self._relay.stream(message, run, self.generation, output)
            case _:
                run = execution.run if own else self._run_of(message)
                self._relay.message(message, run, self.generation, "iopub")
        self._respect_readers()

    def _run_of(self, message: Message) -> Run | None:
        """The earlier run of this kernel that a late message belongs to."""
        run = self._services.find_run(message.parent_id) if message.parent_id else None
        if run is None or run.state != "finished" or run.kernel_ordinal != self.ordinal:
            return None
        return run

    def _respect_readers(self) -> None:
        journal, process = self._services.journal, self._process
        if process is not None and not process.paused and journal.congested:
            process.pause()
            journal.when_relieved(process.resume)

    def _on_shell(self, message: Message) -> None:
        execution = self._execution
        if message.msg_type == "execute_reply":
            if execution is not None and message.parent_id == execution.run.id:
                execution.replied(message)
            return
        reply = self._replies.get(message.parent_id or "")
        if reply is not None and not reply.done():
            try:
                reply.set_result((message.msg_type, parse(message.content)[0]))
            except InvalidMessage as problem:
                reply.set_exception(RequestError("kernel_timeout", f"the reply is invalid: {problem}"))

    def _on_stdin(self, message: Message) -> None:
        execution = self._execution
        if message.msg_type != "input_request" or execution is None:
            return
        if message.parent_id == execution.run.id and execution.input_requested(message):
            self._relay.message(message, execution.run, self.generation, "stdin")

    def _record(self, event: str, **details: Any) -> None:
        body = members(
            kind="kernel",
            kernel=self.options.id,
            generation=self.generation,
            event=event,
            **details,
        )
        self._services.journal.append((body,), (), 0, self.ordinal)


def _one_line(text: str) -> str:
    return text.partition("\n")[0][:256]
