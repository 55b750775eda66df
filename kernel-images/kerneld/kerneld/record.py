"""A record as the journal keeps it."""

from typing import NamedTuple


class Record(NamedTuple):
    """One numbered frame. Runs and kernels are known by ordinals from 1; 0 is none."""

    n: int
    end: int
    """The journal's size in bytes since the sandbox began, this frame included."""
    run: int
    """The run whose stream has this record; a record that came late belongs to none."""
    kernel: int
    frame: bytes
