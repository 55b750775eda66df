"""The life of a kernel's process, from the built kernel to its exit code."""

import asyncio
import atexit
import faulthandler
import logging
import os
import pdb
import threading
import warnings
from collections.abc import Callable
from typing import TextIO

from IPython.core import debugger
from IPython.core.profiledir import ProfileDir
from traitlets.config import Config

from . import parents
from .exits import exit_heard_out
from .kernel import PythonKernel, log
from .system import replace_system

_EXIT_LIMIT_S = 5.0


def build() -> PythonKernel:
    """A kernel without sockets, threads or descriptors: what can be done once before many forks."""
    parents.follow_threads()
    replace_system()
    # The threads that the first speaks of are the kernel's own; the second speaks to somebody at a terminal.
    warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)
    warnings.filterwarnings("ignore", "To exit: use 'exit'", UserWarning)
    # Said to whoever was shown a result, each 200 results once there are a thousand.
    warnings.filterwarnings("ignore", "Output cache limit", UserWarning)
    debugger.Pdb = debugger.InterruptiblePdb
    pdb.Pdb = debugger.Pdb  # type: ignore[misc]
    pdb.set_trace = debugger.set_trace
    location = os.path.join(os.environ.get("IPYTHONDIR", "/tmp/.ipython"), "profile_default")
    os.makedirs(location, exist_ok=True)
    config = Config()
    config.HistoryManager.hist_file = ":memory:"
    # Outputs are kept as text anyway; so a request for the history may have them, too.
    config.HistoryManager.db_log_output = True
    # The instance: comms ask the class for it.
    return PythonKernel.instance(config=config, profile_dir=ProfileDir(location=location))


def run(kernel: PythonKernel, directory: str, ready: Callable[[], None]) -> int:
    """Be the kernel, in the directory of its sockets, until it ends; the process' exit code.

    `ready` is called when clients may connect.
    """
    console = open(os.dup(2), "w", encoding="utf-8", errors="replace")  # noqa: SIM115
    faulthandler.enable(console)
    _log_to(console)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    kernel.connect(directory)
    loop.call_soon(_start, kernel, ready)
    serving = loop.create_task(kernel.serve())
    serving.add_done_callback(lambda _: loop.stop())
    while not kernel.exit_requested:
        try:
            loop.run_forever()
        except KeyboardInterrupt:
            # Raised in a task of user code's that held the loop: the task has ended, the loop goes on.
            kernel.interrupts.give_up_loop()
            continue
        except SystemExit:
            continue
        if serving.done() and not kernel.exit_requested:
            return 1
    if kernel.forked:
        kernel.leave_fork()
    _exit_within(_EXIT_LIMIT_S)
    atexit._run_exitfuncs()
    kernel.close()
    return 0


def _start(kernel: PythonKernel, ready: Callable[[], None]) -> None:
    kernel.start()
    exit_heard_out(kernel)
    ready()


def _log_to(console: TextIO) -> None:
    """Log the kernel's own mishaps there: what user code's loggers say belongs to its runs."""
    log.addHandler(logging.StreamHandler(console))
    log.propagate = False


def _exit_within(seconds: float) -> None:
    """End the process by then, whatever exit handlers of user code do."""
    timer = threading.Timer(seconds, os._exit, [0])
    timer.daemon = True
    timer.start()
