"""The IPython shell of a kernel."""

import sys
import traceback
from typing import Any

from ipykernel.zmqshell import ZMQInteractiveShell
from traitlets import Type

from . import parents
from .display import DisplayHook, DisplayPublisher

_MAX_VALUE = 64 * 1024
_MAX_TRACEBACK = 512 * 1024


class Shell(ZMQInteractiveShell):
    """ipykernel's shell, with errors bounded and always said, and its parent from the context."""

    displayhook_class = Type(DisplayHook)
    display_pub_class = Type(DisplayPublisher)

    @property
    def parent_header(self) -> dict[str, Any]:  # type: ignore[override]
        return parents.current().message

    @parent_header.setter
    def parent_header(self, parent: Any) -> None:
        """The context knows it."""

    def get_parent(self) -> dict[str, Any]:
        return parents.current().message

    def set_parent(self, parent: Any) -> None:
        """The context knows it."""

    def init_environment(self) -> None:
        """Nothing: the environment is made when a kernel starts."""

    def _update_exit_now(self, change: Any) -> None:
        if change["new"]:
            self.kernel.exit_requested = True

    def showtraceback(self, exc_tuple: Any = None, *args: Any, **kwargs: Any) -> None:
        """Show an exception; groups too become an `error` message, in Python's own format."""
        error = sys.exc_info()[1] if exc_tuple is None else exc_tuple[1]
        if isinstance(error, BaseExceptionGroup):
            self._get_exc_info(exc_tuple)
            self._showtraceback(type(error), error, traceback.format_exception(error))
        else:
            super().showtraceback(exc_tuple, *args, **kwargs)

    def _showtraceback(self, etype: type[BaseException], evalue: Any, stb: list[str]) -> None:
        content = {
            "ename": etype.__name__,
            "evalue": bounded(safe_str(evalue), _MAX_VALUE),
            "traceback": _bounded_lines(stb),
        }
        self._last_traceback = content["traceback"]
        self.kernel.publish_error(content)


def safe_str(value: object) -> str:
    """`str(value)`, whatever its class does in there."""
    try:
        return str(value)
    except Exception:
        return f"<{type(value).__name__} without a text>"


def error_content(error: BaseException) -> dict[str, Any]:
    """The fields of an error that nothing has shown yet."""
    lines = traceback.format_exception_only(type(error), error)
    return {
        "ename": type(error).__name__,
        "evalue": bounded(safe_str(error), _MAX_VALUE),
        "traceback": _bounded_lines([line.rstrip("\n") for line in lines]),
    }


def bounded(text: str, limit: int) -> str:
    """`text`, of which the middle is left out when it has more than `limit` characters."""
    if len(text) <= limit:
        return text
    return f"{text[: limit // 2]}\n… {len(text) - limit} characters left out …\n{text[-(limit // 2) :]}"


def _bounded_lines(lines: list[str]) -> list[str]:
    if sum(map(len, lines)) <= _MAX_TRACEBACK:
        return lines
    return [bounded("\n".join(lines), _MAX_TRACEBACK)]
