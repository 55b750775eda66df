"""The IPython shell of a kernel."""

import sys
import traceback
from collections.abc import Callable
from functools import wraps
from typing import Any

from ipykernel.eventloops import loop_map
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.error import UsageError
from IPython.core.magics import script
from IPython.utils import process
from traitlets import Type, observe

from . import parents
from .display import DisplayHook, DisplayPublisher, QuickDisplayFormatter
from .tracebacks import bounded, bounded_lines, end_in_user_code, hide_own_frames, safe_str


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

    def enable_gui(self, gui: str | None = None) -> None:
        """Accept what needs no event loop of a toolkit, such as inline figures: there is no display for the others."""
        if gui not in (None, "asyncio") and loop_map.get(gui, gui) is not None:
            raise UsageError(f"{gui!r} needs a display, and there is none")
        self.active_eventloop = gui

    def get_parent(self) -> dict[str, Any]:
        return parents.current().message

    def set_parent(self, parent: Any) -> None:
        """The context knows it."""

    def init_display_formatter(self) -> None:
        self.display_formatter = QuickDisplayFormatter(parent=self)
        self.configurables.append(self.display_formatter)

    def init_traceback_handlers(self, custom_exceptions: Any) -> None:
        super().init_traceback_handlers(custom_exceptions)
        # `_get_exc_info` has removed what this would skip.
        self.InteractiveTB.tb_offset = 0

    def init_magics(self) -> None:
        super().init_magics()
        # `%%bash` and its like.
        magics = self.magics_manager.magics["cell"]
        for name, magic in magics.items():
            if magic.__module__ == script.__name__:
                magics[name] = self._interruptible(magic)

    def init_environment(self) -> None:
        """Nothing: the environment is made when a kernel starts."""

    @observe("exit_now")
    def _update_exit_now(self, change: Any) -> None:
        if change["new"]:
            self.kernel.exit_requested = True

    def system_piped(self, cmd: str) -> None:
        """`!cmd`. IPython goes on where an interrupt has ended the program."""
        if cmd.rstrip().endswith("&"):
            raise OSError("Background processes not supported.")
        # Names in `cmd` are those of the caller, one frame above.
        with self.kernel.interrupts.passed_on():
            expanded = self.var_expand(cmd, depth=1)
            self.user_ns["_exit_code"] = process.system(expanded)  # pyright: ignore[reportPrivateImportUsage]

    system = system_piped

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> Any:
        """`lines = !cmd`."""
        with self.kernel.interrupts.passed_on():
            return super().getoutput(cmd, split, depth + 1)

    def _interruptible(self, magic: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
        @wraps(magic)
        def run(line: str, cell: str) -> Any:
            with self.kernel.interrupts.passed_on():
                return magic(line, cell)

        return run

    def showtraceback(self, exc_tuple: Any = None, *args: Any, **kwargs: Any) -> None:
        """Show an exception; groups too become an `error` message, in Python's own format."""
        error = sys.exc_info()[1] if exc_tuple is None else exc_tuple[1]
        if isinstance(error, BaseExceptionGroup):
            error = self._get_exc_info(exc_tuple)[1]
            self._showtraceback(type(error), error, traceback.format_exception(error))
        elif type(error) is KeyboardInterrupt and error.__context__ is None:
            # An interrupt that comes again would have IPython print what was to be shown. Nothing of user code's runs in here.
            with self.kernel.interrupts.ignored():
                super().showtraceback(exc_tuple, *args, **kwargs)
        else:
            super().showtraceback(exc_tuple, *args, **kwargs)

    def _get_exc_info(self, exc_tuple: Any = None) -> Any:
        """The exception, without what the kernel itself has on its stack."""
        kind, error, _ = super()._get_exc_info(exc_tuple)
        hide_own_frames(error)
        if isinstance(error, KeyboardInterrupt):
            end_in_user_code(error)
        return kind, error, error.__traceback__

    def _showtraceback(self, etype: type[BaseException], evalue: Any, stb: list[str]) -> None:
        content = {
            "ename": etype.__name__,
            "evalue": bounded(safe_str(evalue)),
            "traceback": bounded_lines(stb),
        }
        self._last_traceback = content["traceback"]
        self.kernel.publish_error(content)
