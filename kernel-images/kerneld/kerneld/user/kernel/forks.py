"""Forks that lose no interrupt."""

import os
from collections.abc import Callable

from .interrupts import Interrupts


def fork_uninterrupted(interrupts: Interrupts, before: Callable[[], None]) -> None:
    """Have `os.fork` and `os.forkpty` call `before` and then hold SIGINT; called once, in the kernel's process.

    Python throws away what is raised in a function of `os.register_at_fork`: an interrupt that comes there would leave
    the program to run that was about to be started.
    """
    fork, forkpty = os.fork, os.forkpty

    def _fork() -> int:
        before()
        with interrupts.held():
            return fork()

    def _forkpty() -> tuple[int, int]:
        before()
        with interrupts.held():
            return forkpty()

    os.fork, os.forkpty = _fork, _forkpty
