"""The zygote's children: forked here, their ends told once, their zombies kept until kerneld agrees."""

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import NamedTuple


class Ended(NamedTuple):
    """How a process ended; one of the two is none."""

    pid: int
    exit_code: int | None
    signal: int | None


class Children:
    """Every process that this one forked and that was not collected."""

    def __init__(self) -> None:
        self._running: set[int] = set()
        self._zombies: set[int] = set()
        self._unwanted: set[int] = set()

    def fork(self, prepare: Callable[[], None], run: Callable[[], int]) -> tuple[int, int | None]:
        """Start a child that is the leader of a session and runs `prepare` and `run`.

        Returns its pid, and a pidfd of it if there is such.
        """
        pid = os.fork()
        if pid == 0:
            _live(prepare, run)
        # The zombie is not collected before `reap`, so the pid cannot be another's.
        self._running.add(pid)
        return pid, _pidfd(pid)

    def ended(self) -> Iterator[Ended]:
        """The children that have ended since the last call."""
        for pid in list(self._running):
            status = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if status is None:
                continue
            self._running.discard(pid)
            self._zombies.add(pid)
            exited = status.si_code == os.CLD_EXITED
            yield Ended(pid, status.si_status if exited else None, None if exited else status.si_status)
            if pid in self._unwanted:
                self.reap(pid)

    def reap_orphans(self) -> None:
        """Collect what others left to this process, the first of its PID namespace, and none of its own."""
        own = self._running | self._zombies
        # A wait for any child would find the zombies that are kept, again and again.
        with open("/proc/thread-self/children", "rb") as file:
            left = [int(pid) for pid in file.read().split()]
        for pid in left:
            if pid not in own:
                os.waitpid(pid, os.WNOHANG)

    def reap(self, pid: int) -> None:
        """Collect the zombie, at once or as soon as it is one."""
        if pid in self._running:
            self._unwanted.add(pid)
        elif pid in self._zombies:
            os.waitpid(pid, os.WNOHANG)
            self._zombies.discard(pid)
            self._unwanted.discard(pid)


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        # gVisor has none.
        if error.errno == errno.ENOSYS:
            return None
        raise


def _live(prepare: Callable[[], None], run: Callable[[], int]) -> None:
    """The whole life of a child: never returns into the zygote's code."""
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        prepare()
        code = run()
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(code)
