"""Modules that the first cells of nearly every session import."""

import importlib
from collections.abc import Sequence

MODULES = (
    # IPython imports these late: for tracebacks and for shell commands.
    "pygments.styles.default",
    "pexpect",
    # Of the standard library, what programs in a notebook import and nothing else here does.
    "csv",
    "statistics",
)

LATE = {
    "numpy": ("numpy.random", "numpy.rec"),
    "pandas": ("pandas.io.formats.csvs", "pandas.io.formats.html", "pandas.io.formats.string"),
    # Not the inline backend, which by being imported decides where figures go.
    "matplotlib.pyplot": (
        "IPython.core.pylabtools",
        "matplotlib.backends.backend_agg",
        "PIL.BmpImagePlugin",
        "PIL.GifImagePlugin",
        "PIL.JpegImagePlugin",
        "PIL.PpmImagePlugin",
    ),
}
"""What packages import only when their first table or figure is shown."""


def preload(modules: Sequence[str]) -> None:
    """Import `MODULES` and the image's; one that is missing is a matter for the code that needs it."""
    late = [name for module in modules for name in LATE.get(module, ())]
    for name in (*MODULES, *modules, *late):
        try:
            importlib.import_module(name)
        except ImportError:
            continue
