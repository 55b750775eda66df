"""Pages that a process shares with its clones: they stay shared as long as neither writes to them.

Two things write to nearly every page without changing what it says: counts of references, and new objects that take
the gaps between old ones.
"""

import ctypes
import gc
from types import CodeType

_IMMORTAL = ctypes.c_uint32.from_address(id(None)).value
"""Lower half of a count of references that is never counted again (PEP 683): as None has it."""

_SMALLEST, _LARGEST, _STEP = 48, 512, 16
"""Bytes of an object: the sizes that CPython keeps in pools (Objects/obmalloc.c), from the least that bytes can have."""

_POOL = 16 * 1024
_HEADER = bytes.__basicsize__

_fillers: list[bytes] = []


def keep_shared() -> None:
    """Have every object that there is live for ever, and new ones stand apart from them.

    For the end of the preparations, in a process whose clones do the work: what is unreachable afterwards stays.
    """
    gc.collect()
    for address in _addresses():
        ctypes.c_uint32.from_address(address).value = _IMMORTAL
    for size in range(_SMALLEST, _LARGEST + 1, _STEP):
        _fill_gaps(size)
    gc.freeze()


def _addresses() -> set[int]:
    """Of the objects that the collector knows and of what they refer to, which are nearly all."""
    tracked = gc.get_objects()
    referents = gc.get_referents(*tracked)
    addresses = {*map(id, tracked), *map(id, referents)}
    # The collector cannot look into code.
    codes = [each for each in referents if type(each) is CodeType]
    while codes:
        constants = gc.get_referents(*(code.co_consts for code in codes))
        addresses.update(map(id, constants))
        addresses.update(id(part) for code in codes for part in _parts(code))
        codes = [each for each in constants if type(each) is CodeType]
    # It stands in this function's own frame alone.
    addresses.discard(id(tracked))
    return addresses


def _parts(code: CodeType) -> tuple[object, ...]:
    return (
        *(code.co_consts, code.co_names, code.co_filename, code.co_name, code.co_qualname),
        *(code.co_linetable, code.co_exceptiontable),
    )


def _fill_gaps(size: int) -> None:
    """Allocate objects of a size until a pool's worth of them has come one after the other, as out of a fresh pool."""
    wanted = _POOL // size - 2
    in_a_row, before = 0, 0
    while in_a_row < wanted:
        filler = bytes(size - _HEADER)
        in_a_row = in_a_row + 1 if id(filler) - before == size else 0
        before = id(filler)
        _fillers.append(filler)
