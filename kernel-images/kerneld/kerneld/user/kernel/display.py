"""What IPython shows, as messages whose parent is the request that the showing thread or task belongs to."""

from typing import Any

from ipykernel.displayhook import ZMQShellDisplayHook
from ipykernel.zmqshell import ZMQDisplayPublisher

from . import parents


class DisplayPublisher(ZMQDisplayPublisher):
    """`display`, `update_display`, `clear_output`."""

    @property
    def parent_header(self) -> dict[str, Any]:  # type: ignore[override]
        return parents.current().header

    def set_parent(self, parent: Any) -> None:
        """The context knows it."""

    def _flush_streams(self) -> None:
        # sys.stdout may be anything by now, or nothing.
        self.shell.kernel.outbox.flush()


class DisplayHook(ZMQShellDisplayHook):
    """The value of a cell's last expression."""

    @property
    def parent_header(self) -> dict[str, Any]:  # type: ignore[override]
        return parents.current().header

    def set_parent(self, parent: Any) -> None:
        """The context knows it."""

    def quiet(self) -> bool:
        """Whether a semicolon ends the cell; only a cell that has one is worth tokenizing."""
        history = self.shell.history_manager.input_hist_parsed
        return bool(history) and ";" in history[-1] and super().quiet()

    def finish_displayhook(self) -> None:
        self.shell.kernel.outbox.flush()
        if self.msg and self.msg["content"]["data"] and self.session:
            self.session.send(self.pub_socket, self.msg, ident=self.topic)
        self.msg = None
