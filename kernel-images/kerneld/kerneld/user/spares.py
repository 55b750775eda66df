"""The kernel that is started ahead: there when it pays, and never in the way.

User code can stop, kill or change it, as it can every process of its session. Whoever asks for a kernel is given a fresh
one where the spare one does not say in time that it has taken the claim.
"""

import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from .children import Children
from .spare import Claim, SpareKernel, await_claim, directory_of

_TAKEN_WITHIN_S = 0.5
_KEPT_S = 60.0
"""How long one is kept that was prepared for a request which does not come: it is memory that nobody uses."""

type AwaitClaim = Callable[[Callable[[Claim], None]], int]
"""Waits for the claim, has it entered, and returns the pipe to write to when that is done."""


class _Pending(NamedTuple):
    """A claim that has not been taken yet."""

    kernel: SpareKernel
    deadline: float
    ready: int
    taken: Callable[[int, int | None], None]
    failed: Callable[[], None]


class Spares:
    """At most one spare kernel, and the claims that are under way."""

    def __init__(
        self, children: Children, leave: Callable[[], None], live: Callable[[str, AwaitClaim], int]
    ):
        """A spare kernel runs `leave`, and then `live` with its directory and the way to its claim."""
        self._children = children
        self._leave_zygote = leave
        self._live = live
        self._number = 0
        self._spare: SpareKernel | None = None
        self._expires: float | None = None
        self._pending: list[_Pending] = []
        self._killed: set[int] = set()

    @property
    def awaited(self) -> list[int]:
        """Descriptors that are readable when there is something to settle."""
        return [pending.kernel.fileno() for pending in self._pending]

    @property
    def patience_ms(self) -> int | None:
        """How long there is nothing to settle, whatever happens; none for ever."""
        times = [pending.deadline for pending in self._pending]
        if self._spare is not None and self._expires is not None:
            times.append(self._expires)
        return max(0, int((min(times) - time.monotonic()) * 1000) + 1) if times else None

    def start(self, *, kept: bool) -> None:
        """Have one. `kept` ones wait as long as it takes, others for a minute."""
        self._expires = None if kept else time.monotonic() + _KEPT_S
        if self._spare is not None:
            return
        self._number += 1
        directory = directory_of(self._number)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

        def run() -> int:
            ours.close()
            return self._live(directory, lambda enter: await_claim(theirs, directory, enter))

        with theirs:
            try:
                self._spare = SpareKernel(*self._children.fork(self._leave_zygote, run), ours, directory)
            except OSError:
                # The one that is asked for will meet with the same, and say so.
                ours.close()

    def claim(
        self,
        claim: Claim,
        ready: int,
        taken: Callable[[int, int | None], None],
        failed: Callable[[], None],
    ) -> bool:
        """Give the spare kernel to who asks, if there is one; one of the two is called later, with its pid and pidfd."""
        kernel, self._spare = self._spare, None
        if kernel is None:
            return False
        try:
            kernel.claim(claim, ready)
        except OSError:
            self._kill(kernel)
            return False
        deadline = time.monotonic() + _TAKEN_WITHIN_S
        self._pending.append(_Pending(kernel, deadline, ready, taken, failed))
        return True

    def settle(self) -> None:
        """Tell of the claims that were taken or have failed, and end a spare kernel that has waited too long."""
        now = time.monotonic()
        for pending in list(self._pending):
            taken = pending.kernel.taken()
            if taken:
                self._pending.remove(pending)
                pending.taken(pending.kernel.pid, pending.kernel.hand_over())
            elif taken is False or now > pending.deadline:
                self._pending.remove(pending)
                self._kill(pending.kernel)
                pending.failed()
        if self._spare is not None and self._expires is not None and now > self._expires:
            spare, self._spare = self._spare, None
            self._kill(spare)

    def ended(self, pid: int) -> bool:
        """Whether the child that has ended was one that nobody else knows of."""
        if pid in self._killed:
            self._killed.discard(pid)
            return True
        if self._spare is not None and self._spare.pid == pid:
            spare, self._spare = self._spare, None
            self._bury(spare)
            return True
        pending = next((pending for pending in self._pending if pending.kernel.pid == pid), None)
        if pending is None:
            return False
        self._pending.remove(pending)
        if pending.kernel.taken():
            # It was a kernel before it ended.
            pending.taken(pid, pending.kernel.hand_over())
            return False
        self._bury(pending.kernel)
        pending.failed()
        return True

    def leave(self) -> None:
        """In a child: close what is the zygote's."""
        if self._spare is not None:
            self._spare.forget()
        for pending in self._pending:
            pending.kernel.forget()
            os.close(pending.ready)

    def _kill(self, kernel: SpareKernel) -> None:
        """End it, also if it is stopped; its pid is its own until the zombie is collected."""
        with suppress(ProcessLookupError):
            os.kill(kernel.pid, signal.SIGKILL)
        self._killed.add(kernel.pid)
        self._bury(kernel)

    def _bury(self, kernel: SpareKernel) -> None:
        kernel.forget()
        self._children.reap(kernel.pid)
        kernel.remove_directory()
