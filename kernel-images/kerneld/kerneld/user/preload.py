"""What the first cells of nearly every session need, done once before the fork."""

import importlib
import linecache
from collections.abc import Iterable

from .kernel.kernel import PythonKernel

MODULES = (
    # IPython imports these late: for tracebacks and for shell commands.
    "pygments.styles.default",
    "pexpect",
    # Of the standard library, what programs in a notebook import and nothing else here does.
    "csv",
    "statistics",
)


def preload(modules: Iterable[str]) -> None:
    """Import `MODULES` and the image's; one that is missing is a matter for the code that needs it."""
    for name in (*MODULES, *modules):
        try:
            importlib.import_module(name)
        except ImportError:
            continue


def rehearse(kernel: PythonKernel) -> None:
    """Go once through what compiles patterns and fills caches: reading a cell, and rendering the error of one."""
    shell = kernel.shell
    cell = shell.transform_cell("1 / 0")
    name = shell.compile.cache(cell, 0)
    try:
        exec(shell.compile(shell.compile.ast_parse(cell, name), name, "exec"), {})
    except ZeroDivisionError as error:
        shell.InteractiveTB.structured_traceback(type(error), error, error.__traceback__)
    linecache.cache.pop(name, None)
