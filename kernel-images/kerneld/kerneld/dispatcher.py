"""Where the messages of one kernel go: to the run they belong to, the journal, or a request that waits."""

import asyncio
import secrets
from typing import Any

from kerneld.content import parse
from kerneld.errors import RequestError
from kerneld.execution import Execution
from kerneld.jupyter.audience import Audience
from kerneld.kernel_process import KernelProcess
from kerneld.messages import InvalidMessage, Message, request
from kerneld.relay import Relay
from kerneld.run import Run, now
from kerneld.scheduler import Scheduler
from kerneld.services import Services

type Reply = tuple[str, dict[str, Any]]

_OUTPUT_AHEAD_S = 0.005
"""How long output that the kernel sent before a question may be under way."""


class Dispatcher:
    """Hears a kernel on all its channels."""

    def __init__(
        self,
        ordinal: int,
        services: Services,
        relay: Relay,
        scheduler: Scheduler,
        audience: Audience,
    ) -> None:
        self._ordinal = ordinal
        self._audience = audience
        self._services = services
        self._relay = relay
        self._scheduler = scheduler
        self._replies: dict[str, asyncio.Future[Reply]] = {}
        self.last_activity_at = now()
        """When the kernel was last heard."""

    async def request(
        self, process: KernelProcess, msg_type: str, content: dict[str, Any], timeout_s: float
    ) -> Reply:
        """Send a shell request and wait for type and content of its reply. Raises `RequestError`."""
        msg_id = f"kerneld:{secrets.token_hex(12)}"
        reply = self._replies[msg_id] = asyncio.get_running_loop().create_future()
        process.send_shell(request(msg_type, msg_id, content, {}))
        try:
            async with asyncio.timeout(timeout_s):
                return await reply
        except TimeoutError:
            raise RequestError("kernel_timeout", f"no reply within {timeout_s:g} s") from None
        finally:
            self._replies.pop(msg_id, None)

    def kernel_died(self) -> None:
        """No reply will come any more."""
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(RequestError("kernel_timeout", "the kernel died"))

    def on_iopub(self, message: Message) -> None:
        self.last_activity_at = now()
        execution = self._scheduler.execution
        generation = self._scheduler.interpreter.generation
        if execution is not None and message.parent_id == execution.run.msg_id:
            run, output = execution.run, execution.output
        else:
            execution = output = None
            run = self._ended_run(message.parent_id)
        if self._audience.listening:
            self._audience.hears(message)
        match message.msg_type:
            case "status":
                if execution is not None:
                    execution.status(message)
                elif b"idle" in message.content:
                    self._scheduler.comms.handled(message.parent_id)
            case "execute_input":
                if execution is not None:
                    execution.execute_input(message)
            case "stream":
                self._relay.stream(message, run, generation, output)
            case _:
                self._relay.message(message, run, generation, "iopub")
        self._respect_readers()

    def on_shell(self, message: Message) -> None:
        execution = self._scheduler.execution
        if message.msg_type == "execute_reply":
            if execution is not None and message.parent_id == execution.run.msg_id:
                if execution.run.asker is not None:
                    self._audience.replied(message)
                    execution.run.asker.replied()
                execution.replied(message)
            return
        reply = self._replies.get(message.parent_id or "")
        if reply is None:
            self._audience.replied(message)
        elif not reply.done():
            try:
                reply.set_result((message.msg_type, parse(message.content)[0]))
            except InvalidMessage as problem:
                reply.set_exception(RequestError("kernel_timeout", f"the reply is invalid: {problem}"))

    def on_control(self, message: Message) -> None:
        self._audience.replied_on_control(message)

    def on_stdin(self, message: Message) -> None:
        execution = self._scheduler.execution
        if execution is None or message.parent_id != execution.run.msg_id:
            return
        if message.msg_type == "input_withdrawn":
            execution.input_withdrawn(parse(message.content)[0].get("msg_id"))
        elif message.msg_type == "input_request" and execution.input_requested(message):
            self._ask_soon(message, execution)

    def _ask_soon(self, message: Message, execution: Execution) -> None:
        """What was printed before the question travels on another socket, and must stand before it."""
        asyncio.get_running_loop().call_later(_OUTPUT_AHEAD_S, self._ask, message, execution)

    def _ask(self, message: Message, execution: Execution) -> None:
        if self._scheduler.execution is not execution or execution.question != message.msg_id:
            return
        interpreter = self._scheduler.interpreter
        if interpreter.process is not None and interpreter.process.paused:
            self._ask_soon(message, execution)
        else:
            self._audience.asks_input(message, execution.run)
            n = self._relay.message(message, execution.run, interpreter.generation, "stdin")
            execution.input_announced(n)

    def _ended_run(self, parent_id: str | None) -> Run | None:
        """The earlier run of this kernel that a late message belongs to."""
        run = self._services.find_run(parent_id) if parent_id else None
        if run is None or run.state != "finished" or run.kernel_ordinal != self._ordinal:
            return None
        return run

    def _respect_readers(self) -> None:
        journal, process = self._services.journal, self._scheduler.interpreter.process
        if process is None or process.paused:
            return
        if journal.congested:
            process.pause()
            journal.when_relieved(process.resume)
        elif self._audience.congested:
            process.pause()
            self._audience.when_relieved(process.resume)
