"""Limits that user processes are born with."""

import resource
from pathlib import Path

ZYGOTE_SCORE = 100
CHILD_SCORE = 500
SPARE_SCORE = 1000
"""When memory runs out a kernel that nobody has asked for yet dies first, then a kernel, before the zygote, and the zygote
before kerneld (proc(5), oom_score_adj)."""


def set_out_of_memory_score(score: int) -> None:
    """Set this process' chance to be killed for memory, which may be lowered to what it once was."""
    Path("/proc/self/oom_score_adj").write_text(str(score))


def forbid_core_dumps() -> None:
    """Limit core files to one byte: zero does not keep the host from piping a core to a program (core(5))."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard == resource.RLIM_INFINITY or hard >= 1:
        resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
