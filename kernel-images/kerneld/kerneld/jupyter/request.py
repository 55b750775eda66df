"""An `execute_request` of a Jupyter client, as the one who asked for a run."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerneld.jupyter.audience import Audience


class Request:
    """Sees to it that the client gets a reply and an idle state, whatever becomes of the run."""

    def __init__(
        self,
        audience: "Audience",
        key: str,
        msg_id: str,
        parts: list[bytes],
        on_begin: Callable[["Request"], None],
    ) -> None:
        self._audience = audience
        self._on_begin = on_begin
        self._header = parts[0]
        self._parts: list[bytes] | None = parts
        self._started = False
        self._replied = False
        self.key = key
        self.msg_id = msg_id

    def take_parts(self) -> list[bytes]:
        """The message for the kernel, once: what it holds is not kept."""
        parts, self._parts = self._parts, None
        assert parts is not None
        return parts

    def started(self) -> None:
        """The kernel has the request."""
        self._started = True
        self._on_begin(self)

    def replied(self) -> None:
        """The kernel's own reply was passed on."""
        self._replied = True

    def ended(self, status: str, reason: str | None, state: str, stop_on_error: bool) -> None:
        """The run has ended."""
        if self._replied:
            if state == "lost":
                self._audience.publish_idle(self._header)
        elif not self._started or reason in ("restarted", "kernel_removed"):
            self._answer({"status": "aborted"})
        else:
            self._fail(status, reason)
        self._on_begin(self)
        if stop_on_error and status not in ("ok", "cancelled"):
            self._audience.abort_waiting()

    def _fail(self, status: str, reason: str | None) -> None:
        name = "KernelDied" if status == "kernel_died" else "KernelInterrupted"
        why = f"the kernel ended: {reason}" if reason else "the kernel gave no reply"
        content: dict[str, Any] = {"ename": name, "evalue": why, "traceback": [f"{name}: {why}"]}
        self._audience.publish_error(self._header, content)
        self._answer({"status": "error", **content})

    def _answer(self, content: dict[str, Any]) -> None:
        self._audience.answer_to(self.key, self._header, "execute_request", content)
