"""What one Jupyter client has sent to a kernel's shell and the kernel has not got yet, in its order."""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kerneld.errors import RequestError
from kerneld.jupyter.messages import ClientMessage
from kerneld.jupyter.request import Request
from kerneld.run import Run

if TYPE_CHECKING:
    from kerneld.jupyter.audience import Audience

LIMIT_MESSAGES = 10_000
LIMIT_BYTES = 32 * 1024 * 1024


class Intake:
    """Gives messages on one after the other: one that follows an `execute_request` waits until that has begun.

    At most one of a client's requests to execute waits in the kernel's own queue; a notebook of a thousand cells waits here.
    """

    def __init__(
        self, audience: "Audience", key: str, start_run: Callable[[ClientMessage, Request], Run]
    ) -> None:
        self._audience = audience
        self._key = key
        self._start_run = start_run
        self._waiting: deque[ClientMessage] = deque()
        self._bytes = 0
        self._queued: Request | None = None
        self._pumping = False

    @property
    def empty(self) -> bool:
        return not self._waiting and self._queued is None

    def take(self, message: ClientMessage) -> None:
        """Give the message on now or later. Raises `RequestError` when too much waits."""
        if self._waiting and (
            len(self._waiting) >= LIMIT_MESSAGES or self._bytes + message.size > LIMIT_BYTES
        ):
            raise RequestError(
                "queue_full",
                f"a client's messages that wait are limited to {LIMIT_MESSAGES} and {LIMIT_BYTES} bytes",
            )
        self._waiting.append(message)
        self._bytes += message.size
        self.pump()

    def pump(self) -> None:
        """Give on what can be."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._waiting and self._queued is None and self._audience.ready:
                message = self._waiting[0]
                if message.msg_type == "execute_request":
                    self._pop()
                    self._execute(message)
                elif self._audience.send_shell(self._key, message):
                    self._pop()
                else:
                    return
        finally:
            self._pumping = False

    def abort(self) -> None:
        """Answer the requests to execute that wait here with `aborted`; what else waits stays."""
        waiting = list(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        for message in waiting:
            if message.msg_type == "execute_request":
                self._audience.answer(self._key, message, {"status": "aborted"})
            else:
                self._waiting.append(message)
                self._bytes += message.size

    def began(self, request: Request) -> None:
        """The queued request runs, or will not."""
        if self._queued is request:
            self._queued = None
            self._audience.pump_soon()

    def _pop(self) -> None:
        self._bytes -= self._waiting.popleft().size

    def _execute(self, message: ClientMessage) -> None:
        if self._audience.seen(message):
            self._refuse(message, "DuplicateMessage", f"the message {message.msg_id} has come before")
            return
        request = Request(self._audience, self._key, message.msg_id, message.parts, self.began)
        self._audience.expect_reply(message.msg_id, self._key)
        try:
            run = self._start_run(message, request)
        except RequestError as refusal:
            self._refuse(message, refusal.code, refusal.detail)
            return
        if run.state == "queued":
            self._queued = request

    def _refuse(self, message: ClientMessage, name: str, why: str) -> None:
        content: dict[str, Any] = {"ename": name, "evalue": why, "traceback": [f"{name}: {why}"]}
        self._audience.publish_error(message.parts[0], content)
        self._audience.answer(self._key, message, {"status": "error", **content})
