"""The system call filter that every user process inherits, stacked on whatever the runtime has set already.

A classic BPF program over `struct seccomp_data` (seccomp(2)): number at offset 0, architecture at 4, and from 16 on the
arguments, 8 bytes each with the low half first. An `int` argument is judged by its low half, as the kernel reads it.
"""

import ctypes
import errno
import platform
from collections.abc import Iterable

from ..prctl import SET_NO_NEW_PRIVS, SET_SECCOMP, prctl
from .syscalls import ABSENT, JUDGED, MACHINES, REFUSED

Instruction = tuple[int, int, int, int]
"""Code, how far to jump when true and when false, operand."""

# <linux/bpf_common.h>: BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K and so on.
_LOAD = 0x20
_EQUAL = 0x15
_AT_LEAST = 0x35
_ANY_BIT = 0x45
_RETURN = 0x06

# <linux/seccomp.h>
_KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000
_ALLOW = 0x7FFF0000
_MODE_FILTER = 2

_REFUSE: Instruction = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
_PERMIT: Instruction = (_RETURN, 0, 0, _ALLOW)

_NAMESPACE_FLAGS = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_NETLINK_ROUTE = 0
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_MADV_MERGEABLE = 12
_PR_SET_MEMORY_MERGE = 67
_RLIMIT_CORE = 4
_PERSONALITY_QUERY = 0xFFFFFFFF


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


class _Filter(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("jump_true", ctypes.c_uint8),
        ("jump_false", ctypes.c_uint8),
        ("operand", ctypes.c_uint32),
    )


class Assembled:
    """The filter of this machine, ready to be installed in any number of processes."""

    def __init__(self) -> None:
        """Raises `KeyError` on a machine that is not supported."""
        instructions = program(platform.machine())
        self._filters = (_Filter * len(instructions))(*instructions)
        self._program = _Program(len(instructions), ctypes.cast(self._filters, ctypes.c_void_p))

    def install(self) -> None:
        """Filter this process and all that it will start; raises `OSError` where that is not possible."""
        prctl(SET_NO_NEW_PRIVS, 1)
        prctl(SET_SECCOMP, _MODE_FILTER, ctypes.addressof(self._program))


def program(machine: str) -> list[Instruction]:
    """The filter for a machine by its name from uname(2); raises `KeyError` for one that is not supported."""
    audit_arch, column, highest = MACHINES[machine]
    instructions: list[Instruction] = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, audit_arch),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, 0),
    ]
    if highest is not None:
        instructions += [(_AT_LEAST, 0, 1, highest), _REFUSE]
    for numbers in REFUSED.values():
        instructions += _for_call(numbers[column], [_REFUSE])
    for numbers in ABSENT.values():
        instructions += _for_call(numbers[column], [(_RETURN, 0, 0, _ERRNO | errno.ENOSYS)])
    for name, numbers in JUDGED.items():
        instructions += _for_call(numbers[column], _JUDGEMENTS[name])
    return [*instructions, _PERMIT]


def _for_call(number: int | None, body: list[Instruction]) -> list[Instruction]:
    """`body`, which returns in every case, for one system call."""
    return [] if number is None else [(_EQUAL, 0, len(body), number), *body]


def _low(argument: int) -> Instruction:
    return (_LOAD, 0, 0, 16 + 8 * argument)


def _high(argument: int) -> Instruction:
    return (_LOAD, 0, 0, 20 + 8 * argument)


def _refuse_values(argument: int, values: Iterable[int]) -> list[Instruction]:
    body = [_low(argument)]
    for value in values:
        body += [(_EQUAL, 0, 1, value), _REFUSE]
    return [*body, _PERMIT]


def _permit_values(argument: int, values: Iterable[int]) -> list[Instruction]:
    body = [_low(argument)]
    for value in values:
        body += [(_EQUAL, 0, 1, value), _PERMIT]
    return [*body, _REFUSE]


_JUDGEMENTS: dict[str, list[Instruction]] = {
    "clone": [_low(0), (_ANY_BIT, 0, 1, _NAMESPACE_FLAGS), _REFUSE, _PERMIT],
    "socket": [
        *_permit_values(0, (_AF_UNIX, _AF_INET, _AF_INET6))[:-1],
        (_EQUAL, 1, 0, _AF_NETLINK),
        _REFUSE,
        *_permit_values(2, (_NETLINK_ROUTE,)),
    ],
    "socketpair": _permit_values(0, (_AF_UNIX,)),
    "ioctl": _refuse_values(1, (_TIOCSTI, _TIOCLINUX)),
    "madvise": _refuse_values(2, (_MADV_MERGEABLE,)),
    "prctl": _refuse_values(0, (_PR_SET_MEMORY_MERGE,)),
    # A limit may be read of any process and set on the caller alone. Zero is the only pid that is surely its own:
    # a filter cannot know the others, and takes the caller's own number for a stranger's.
    "prlimit64": [
        _low(2),
        (_EQUAL, 0, 3, 0),
        _high(2),
        (_EQUAL, 0, 1, 0),
        _PERMIT,
        _low(0),
        (_EQUAL, 1, 0, 0),
        _REFUSE,
        *_refuse_values(1, (_RLIMIT_CORE,)),
    ],
    "setrlimit": _refuse_values(0, (_RLIMIT_CORE,)),
    "personality": _permit_values(0, (0, _PERSONALITY_QUERY)),
}
