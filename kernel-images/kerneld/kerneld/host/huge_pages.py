"""Huge pages for what a zygote holds: its clones then copy one entry of the page table instead of 512."""

import ctypes

_SIZE = 2 << 20
_MADV_COLLAPSE = 25


def collapse() -> None:
    """Have the kernel put the process' own memory into huge pages where it can (Linux 6.1 and newer; madvise(2)).

    For the end of the preparations, with /proc in its place. A page that a clone writes to is copied alone all the same.
    """
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for first, end in _own_memory():
        for address in range(-(-first // _SIZE) * _SIZE, end - _SIZE + 1, _SIZE):
            # What it refuses stays as it was: memory that is not used yet, no huge page that is free, an older kernel.
            madvise(address, _SIZE, _MADV_COLLAPSE)


def _own_memory() -> list[tuple[int, int]]:
    """Where memory lies that is written to and belongs to no file (proc(5), maps)."""
    spans = []
    with open("/proc/self/maps") as maps:
        for line in maps:
            span, mode, _, _, _, *name = line.split()
            if mode == "rw-p" and (not name or name[0] == "[heap]"):
                first, end = span.split("-")
                spans.append((int(first, 16), int(end, 16)))
    return spans
