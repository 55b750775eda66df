"""A kernel that is started before anybody has asked for one, nameless until it is claimed."""

import json
import os
import socket
from typing import NamedTuple

DIRECTORY = "/run/kernels/spare"
"""Where its channels are until then."""

_MAX_MESSAGE = 256 * 1024


class Claim(NamedTuple):
    """What makes it the kernel that was asked for."""

    directory: str
    """Where its channels have to be."""
    env: dict[str, str]
    working_directory: str


class SpareKernel:
    """The zygote's end: its process, and the way to tell it whose it is."""

    def __init__(self, pid: int, descriptor: int | None, claims: socket.socket):
        """`descriptor` is a pidfd of it, if there are any, which `claim` hands on and `close` closes."""
        self.pid = pid
        self._descriptor = descriptor
        self._claims = claims

    def claim(self, claim: Claim, ready: int) -> int | None:
        """Make it the kernel that writes to the pipe `ready`; its pidfd, if there is one.

        Raises `OSError` where it is not there any more.
        """
        with self._claims:
            socket.send_fds(self._claims, [json.dumps(claim).encode()], [ready])
        return self._descriptor

    def close(self) -> None:
        """Let go of one that nobody will claim."""
        self._claims.close()
        if self._descriptor is not None:
            os.close(self._descriptor)


def await_claim(claims: socket.socket) -> tuple[Claim, int]:
    """In the spare kernel: who it is, and its pipe. Raises `EOFError` when it is not needed."""
    with claims:
        data, descriptors, _, _ = socket.recv_fds(claims, _MAX_MESSAGE, 1)
    if not data:
        raise EOFError
    claim = Claim(*json.loads(data))
    os.rename(DIRECTORY, claim.directory)
    os.set_inheritable(descriptors[0], False)
    return claim, descriptors[0]
