"""How kerneld's process uses memory: what a burst of output took goes back to the sandbox."""

import ctypes

# <malloc.h>
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_THRESHOLD_BYTES = 1024 * 1024


def give_back_early() -> None:
    """Fix glibc's thresholds, which otherwise rise with the largest block freed; elsewhere without effect.

    One arena, because messages are allocated in ZeroMQ's thread and freed in ours.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_TRIM_THRESHOLD, _THRESHOLD_BYTES)
        mallopt(_M_MMAP_THRESHOLD, _THRESHOLD_BYTES)
