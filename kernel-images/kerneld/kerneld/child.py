"""A process of the user side, as kerneld sees it: by its descriptor, which no other process can take over.

Where the kernel has no pidfds (gVisor), by its number, which is nobody else's until the zygote is told to reap.
"""

import asyncio
import errno
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from kerneld.process_group import kill_followers

_WORD_S = 1
_DEATH_S = 10


class Exit(NamedTuple):
    """How a process ended, as far as the zygote said."""

    exit_code: int | None
    signal: int | None

    @classmethod
    def of(cls, exit_code: object, number: object) -> "Exit":
        """From the zygote's words, which may be anything."""
        if isinstance(number, int) and 1 <= number <= 64:
            return cls(None, int(number))
        if isinstance(exit_code, int) and 0 <= exit_code <= 255:
            return cls(int(exit_code), None)
        return cls(None, None)

    @property
    def reason(self) -> str:
        if self.signal is not None:
            return f"signal {self.signal}"
        return "unknown" if self.exit_code is None else f"exit {self.exit_code}"


def _has_pidfds() -> bool:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError as error:
        return error.errno != errno.ENOSYS
    return True


_HAS_PIDFDS = _has_pidfds()


def process_id(descriptor: int) -> int:
    """The number of a pidfd's process here: the user side's own number for it may be of another PID namespace.

    Raises `OSError` for what is no process, or none that can be named here.
    """
    with open(f"/proc/self/fdinfo/{descriptor}", "rb") as file:
        for line in file:
            name, _, value = line.partition(b":")
            if name == b"Pid" and int(value) > 1:
                return int(value)
    raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))


class Child:
    """A child of the zygote and leader of a process group of its own.

    The zygote keeps the zombie until `reap` is called, so until then its pid and group are not another's.
    """

    def __init__(self, said: int, descriptor: int | None, reap: Callable[[], None]) -> None:
        """`said` is the zygote's number for it, and is believed only where there can be no pidfd.

        Raises `OSError` when `descriptor`, which it closes in any case, is not a pidfd of a process below.
        """
        self._loop = asyncio.get_running_loop()
        if descriptor is None:
            if _HAS_PIDFDS or said <= 1:
                raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
            self._pid = said
        else:
            try:
                self._pid = process_id(descriptor)
            except OSError:
                os.close(descriptor)
                raise
            self._loop.add_reader(descriptor, self._died)
        self._descriptor = descriptor
        self._reap = reap
        self._word: Exit | None = None
        self._gone = False
        self._patience: asyncio.TimerHandle | None = None
        self.ended: asyncio.Future[Exit] = self._loop.create_future()
        """Done when the process is dead and the zygote has said how, or a second after it.

        Without a pidfd the zygote's word is the death; a killed process is given ten seconds to be spoken of.
        """

    @property
    def pid(self) -> int:
        return self._pid

    @property
    def alive(self) -> bool:
        """Whether the process had not ended when the loop last looked."""
        return not self._gone

    def interrupt(self) -> None:
        """SIGINT to the process group, also where it has been stopped."""
        self._signal_group(signal.SIGINT)
        self._signal_group(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL to the process group."""
        self._signal_group(signal.SIGKILL)
        if self._descriptor is None and not self._gone and self._patience is None:
            self._patience = self._loop.call_later(_DEATH_S, self._died)

    def kill_followers(self, since: int) -> None:
        """SIGKILL to what else is in the process group and started at `since` (of `process_group.clock`) or later."""
        if not self._gone:
            with suppress(ProcessLookupError, PermissionError):
                kill_followers(self._pid, since)

    def told(self, how: Exit) -> None:
        """The zygote says how the process ended; believed only once it has, where that can be known."""
        self._word = how
        if self._gone:
            self._settle()
        elif self._descriptor is None:
            self._died()

    def _died(self) -> None:
        # What it left in its group would otherwise go on without it.
        self._signal_group(signal.SIGKILL)
        self._gone = True
        if self._descriptor is not None:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
        if self._word is not None:
            self._settle()
        else:
            self._patience = self._loop.call_later(_WORD_S, self._settle)

    def _settle(self) -> None:
        if self.ended.done():
            return
        if self._patience is not None:
            self._patience.cancel()
        self.ended.set_result(self._word or Exit(None, None))
        self._reap()

    def _signal_group(self, number: int) -> None:
        if not self._gone:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, number)
