"""Write access to named directories alone (landlock(7)), whatever mounts and modes would allow."""

import ctypes
import os
from collections.abc import Iterable

# <asm/unistd.h>: the same on all machines.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1

# <linux/landlock.h>
_WRITE_FILE = 1 << 1
_REMOVE_DIR, _REMOVE_FILE = 1 << 4, 1 << 5
_MAKE = sum(1 << bit for bit in range(6, 13))
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_SCOPE_ABSTRACT_UNIX_SOCKET, _SCOPE_SIGNAL = 1, 2

_ABI_REFER, _ABI_TRUNCATE, _ABI_SCOPES = 2, 3, 6

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("directory", ctypes.c_int32))


def abi() -> int:
    """The kernel's version of it; 0 where there is none."""
    return max(0, _libc.syscall(ctypes.c_long(_CREATE_RULESET), None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION)))


def restrict_writes(version: int, directories: Iterable[str], *, signals: bool) -> None:
    """Let this process and all that it will start change files below `directories` only.

    `version` is `abi()`, at least 1. Where the kernel can, abstract Unix sockets of others are out of reach, too, and
    with `signals` other processes. Needs no_new_privs. Raises `OSError`.
    """
    access = _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE
    # Moving between directories is forbidden in any case where it cannot be allowed.
    access |= _REFER if version >= _ABI_REFER else 0
    access |= _TRUNCATE if version >= _ABI_TRUNCATE else 0
    scopes = _SCOPE_ABSTRACT_UNIX_SOCKET | (_SCOPE_SIGNAL if signals else 0)
    attributes = _Ruleset(access, 0, scopes if version >= _ABI_SCOPES else 0)
    # Older kernels refuse a longer structure unless its end is zero, which it is.
    ruleset = _call(_CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(ctypes.sizeof(attributes)), _NO_FLAGS)
    try:
        for path in directories:
            directory = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                rule = _Beneath(access, directory)
                kind = ctypes.c_int(_PATH_BENEATH)
                _call(_ADD_RULE, ctypes.c_int(ruleset), kind, ctypes.byref(rule), _NO_FLAGS)
            finally:
                os.close(directory)
        _call(_RESTRICT_SELF, ctypes.c_int(ruleset), _NO_FLAGS)
    finally:
        os.close(ruleset)


_NO_FLAGS = ctypes.c_uint32(0)


def _call(number: int, *arguments: object) -> int:
    result = _libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        failed = ctypes.get_errno()
        raise OSError(failed, os.strerror(failed), "landlock")
    return result
