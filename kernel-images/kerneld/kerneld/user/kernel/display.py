"""What IPython shows, as messages whose parent is the request that the showing thread or task belongs to."""

from typing import Any

from ipykernel.displayhook import ZMQShellDisplayHook
from ipykernel.zmqshell import ZMQDisplayPublisher
from IPython.core.formatters import DisplayFormatter

from . import parents

_PLAIN = frozenset({int, float, complex, str, bytes, bool})


class DisplayPublisher(ZMQDisplayPublisher):
    """`display`, `update_display`, `clear_output`."""

    @property
    def parent_header(self) -> dict[str, Any]:  # type: ignore[override]
        return parents.current().header

    def set_parent(self, parent: Any) -> None:
        """The context knows it."""

    def _flush_streams(self) -> None:
        # sys.stdout may be anything by now, or nothing.
        self.shell.kernel.output.flush()


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
        self.shell.kernel.output.flush()
        if self.msg and self.msg["content"]["data"] and self.session:
            self.session.send(self.pub_socket, self.msg, ident=self.topic)
        self.msg = None


class QuickDisplayFormatter(DisplayFormatter):
    """IPython's formatter, which does not ask a dozen formats about a number or a string."""

    def format(
        self, obj: Any, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        if type(obj) in _PLAIN and include is None and exclude is None and self._knows_only_text(obj):
            return {"text/plain": self.formatters["text/plain"](obj)}, {}
        return super().format(obj, include=include, exclude=exclude)

    def _knows_only_text(self, obj: Any) -> bool:
        """Whether user code has taught no format other than text anything about plain objects."""
        others = (self.ipython_display_formatter, self.mimebundle_formatter, *self.formatters.values())
        return not any(
            type(obj) in other.type_printers
            or (type(obj).__module__, type(obj).__name__) in other.deferred_printers
            or (other.singleton_printers and id(obj) in other.singleton_printers)
            for other in others
            if getattr(other, "format_type", None) != "text/plain"
        )
