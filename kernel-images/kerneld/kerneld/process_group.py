"""What a run leaves running in its kernel's process group."""

import os
import signal
import time
from contextlib import suppress

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")

# Fields of /proc/<pid>/stat behind the command's name (proc(5) counts them from 1, and the name is the second).
_GROUP = 5 - 3
_START_TIME = 22 - 3


def clock() -> int:
    """Now, in the unit in which the kernel tells when a process started: ticks since boot."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * _TICKS_PER_S)


def kill_followers(leader: int, since: int) -> None:
    """SIGKILL to all members of the group `leader` that started at `since` (of `clock`) or after it, but the leader.

    The group is stopped meanwhile: members that go on forking would otherwise always be one ahead. Raises
    `ProcessLookupError` when there is no such group.
    """
    os.killpg(leader, signal.SIGSTOP)
    try:
        for name in os.listdir("/proc"):
            if name.isdecimal() and int(name) != leader and _is_follower(name, leader, since):
                with suppress(ProcessLookupError):
                    os.kill(int(name), signal.SIGKILL)
    finally:
        os.killpg(leader, signal.SIGCONT)


def _is_follower(pid: str, leader: int, since: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b") ")[2].split()
    except OSError:
        return False
    return int(fields[_GROUP]) == leader and int(fields[_START_TIME]) >= since
