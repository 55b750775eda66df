"""A kernel that is started before anybody has asked for one, nameless until it is claimed."""

import json
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from . import limits

_KERNELS = "/run/kernels"
_CHANNELS = ("shell", "control", "stdin", "iopub")
_MAX_MESSAGE = 256 * 1024


class Claim(NamedTuple):
    """What makes it the kernel that was asked for."""

    directory: str
    """Where its channels have to be."""
    env: dict[str, str]
    working_directory: str


def directory_of(number: int) -> str:
    """Where the channels of the sandbox' spare kernel of that number are until it is claimed."""
    return f"{_KERNELS}/spare-{number}"


class SpareKernel:
    """The zygote's end: its process, and the way to tell it whose it is."""

    def __init__(self, pid: int, descriptor: int | None, claims: socket.socket, directory: str):
        """`descriptor` is a pidfd of it, if there are any."""
        self.pid = pid
        self.directory = directory
        self._descriptor = descriptor
        self._claims = claims
        claims.setblocking(False)

    def fileno(self) -> int:
        """Readable when it has taken its claim, or has ended."""
        return self._claims.fileno()

    def claim(self, claim: Claim, ready: int) -> None:
        """Ask it to be the kernel that writes to the pipe `ready`. Raises `OSError` where it is not there any more."""
        socket.send_fds(self._claims, [json.dumps(claim).encode()], [ready])

    def taken(self) -> bool | None:
        """Whether it is the one that was claimed now; none while it has not said so."""
        try:
            return self._claims.recv(1) != b""
        except BlockingIOError:
            return None
        except OSError:
            return False

    def hand_over(self) -> int | None:
        """Let go of one that is a kernel like all others now; its pidfd, if there is one."""
        self._claims.close()
        return self._descriptor

    def forget(self) -> None:
        """Close what is this process' of it."""
        self._claims.close()
        if self._descriptor is not None:
            os.close(self._descriptor)

    def remove_directory(self) -> None:
        """Remove what a spare kernel that has ended leaves."""
        _remove(self.directory)


def await_claim(claims: socket.socket, directory: str, enter: Callable[[Claim], None]) -> int:
    """In the spare kernel: become the kernel that is asked for; its pipe. Raises `EOFError` when it is not needed."""
    limits.set_out_of_memory_score(limits.SPARE_SCORE)
    with claims:
        data, descriptors, _, _ = socket.recv_fds(claims, _MAX_MESSAGE, 1)
        if not data:
            raise EOFError
        os.set_inheritable(descriptors[0], False)
        claim = Claim(*json.loads(data))
        limits.set_out_of_memory_score(limits.CHILD_SCORE)
        enter(claim)
        # What an earlier interpreter of the same kernel has left there.
        _remove(claim.directory)
        os.rename(directory, claim.directory)
        claims.send(b"t")
    return descriptors[0]


def _remove(directory: str) -> None:
    with suppress(OSError):
        for name in _CHANNELS:
            with suppress(FileNotFoundError):
                os.unlink(f"{directory}/{name}")
        os.rmdir(directory)
