"""Modules that the first cells of nearly every session import."""

import importlib
from collections.abc import Iterable

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
