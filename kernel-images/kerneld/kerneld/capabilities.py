"""What a process may do beyond its uid, and how it gives that up for good (capabilities(7))."""

import ctypes
import errno
import os

from kerneld.prctl import CAP_AMBIENT, CAP_AMBIENT_CLEAR_ALL, DROP_BOUNDING, prctl

KILL = 5

# <linux/capability.h>
_HIGHEST = 63
_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def forbid_more() -> None:
    """Empty the bounding and ambient sets: no program that is executed gives a capability back."""
    for capability in range(_HIGHEST + 1):
        try:
            prctl(DROP_BOUNDING, capability)
        except OSError as error:
            # The kernel knows fewer capabilities than a set has bits.
            if error.errno != errno.EINVAL:
                raise
            break
    try:
        prctl(CAP_AMBIENT, CAP_AMBIENT_CLEAR_ALL)
    except OSError as error:
        # gVisor has no ambient set.
        if error.errno != errno.EINVAL:
            raise


def set_capabilities(keep: int) -> None:
    """Set effective and permitted to `keep` and inheritable to nothing (capset(2), version 3: two 32-bit halves)."""
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    low, high = keep & 0xFFFFFFFF, keep >> 32
    data = (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)
    if _libc.capset(ctypes.byref(header), ctypes.byref(data)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "capset")
