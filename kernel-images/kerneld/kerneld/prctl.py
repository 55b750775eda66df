"""prctl(2), with its failures as exceptions."""

import ctypes
import os

# <linux/prctl.h>
SET_DUMPABLE = 4
SET_KEEPCAPS = 8
SET_SECCOMP = 22
DROP_BOUNDING = 24
SET_NO_NEW_PRIVS = 38
GET_TID_ADDRESS = 40
CAP_AMBIENT = 47
CAP_AMBIENT_CLEAR_ALL = 4

_libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, *arguments: int) -> None:
    """Call it with up to four arguments; raises `OSError`."""
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    if _libc.prctl(ctypes.c_int(option), *padded) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"prctl {option}")
