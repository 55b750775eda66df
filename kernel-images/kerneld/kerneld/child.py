"""A process of the user side, as kerneld sees it: by its descriptor, which no other process can take over."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from kerneld.process_group import kill_followers

_WORD_S = 1


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
        return f"exit {255 if self.exit_code is None else self.exit_code}"


class Child:
    """A child of the zygote and leader of a process group of its own.

    The zygote keeps the zombie until `reap` is called, so until then its pid and group are not another's.
    """

    def __init__(self, pid: int, descriptor: int, reap: Callable[[int], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._pid = pid
        self._descriptor = descriptor
        self._reap = reap
        self._word: Exit | None = None
        self._gone = False
        self._patience: asyncio.TimerHandle | None = None
        self.ended: asyncio.Future[Exit] = self._loop.create_future()
        """Done when the process is dead and the zygote has said how, or a second after it."""
        try:
            # Anything but a process is refused here with EBADF.
            signal.pidfd_send_signal(descriptor, 0)
        except ProcessLookupError:
            pass
        except OSError:
            os.close(descriptor)
            raise
        self._loop.add_reader(descriptor, self._died)

    @property
    def pid(self) -> int:
        return self._pid

    @property
    def alive(self) -> bool:
        """Whether the process had not ended when the loop last looked."""
        return not self._gone

    def interrupt(self) -> None:
        """SIGINT to the process group."""
        self._signal_group(signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL to the process group."""
        self._signal_group(signal.SIGKILL)

    def kill_followers(self, since: int) -> None:
        """SIGKILL to what else is in the process group and started at `since` (of `process_group.clock`) or later."""
        if not self._gone:
            with suppress(ProcessLookupError, PermissionError):
                kill_followers(self._pid, since)

    def told(self, how: Exit) -> None:
        """The zygote says how the process ended; believed only once it has."""
        self._word = how
        if self._gone:
            self._settle()

    def _died(self) -> None:
        self._loop.remove_reader(self._descriptor)
        # What it left in its group would otherwise go on without it.
        self.kill()
        self._gone = True
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
        self._reap(self._pid)

    def _signal_group(self, number: int) -> None:
        if not self._gone:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, number)
