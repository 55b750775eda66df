"""Exceptions as they are shown: of a bounded size, and about the user's code."""

import os
import re
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from IPython.core import interactiveshell

_MAX_VALUE = 64 * 1024
_MAX_TRACEBACK = 512 * 1024
_MAX_CHAIN = 100

_OWN = os.path.dirname(__file__) + os.sep
_SHELL = interactiveshell.__file__
_LIBRARIES = (sys.prefix + os.sep, "<frozen ")
_TRANSPORT = re.compile(r"(^|/)_?zmq(/|\.)")


def hide_own_frames(error: BaseException) -> None:
    """Take the kernel's own frames, and the shell's above the cell, out of the traceback of `error` and of its causes.

    IPython would skip the shell's by itself, having parsed the shell's source first.
    """
    for _ in range(_MAX_CHAIN):
        error.__traceback__ = _without_own(error.__traceback__)
        cause = error.__cause__ or error.__context__
        if cause is None:
            return
        error = cause


def end_in_user_code(error: BaseException) -> None:
    """Have the traceback of an interrupt end where the user's code waits, not in the libraries below.

    To show these, IPython would parse whole modules, while somebody waits for the run to end.
    """
    frames = list(_frames(error.__traceback__))
    user = [not frame.tb_frame.f_code.co_filename.startswith(_LIBRARIES) for frame in frames]
    if any(user):
        error.__traceback__ = _joined(frames[: len(user) - user[::-1].index(True)])


def error_content(error: BaseException) -> dict[str, Any]:
    """The fields of an error that nothing has shown yet."""
    lines = traceback.format_exception_only(type(error), error)
    return {
        "ename": type(error).__name__,
        "evalue": bounded(safe_str(error)),
        "traceback": bounded_lines([line.rstrip("\n") for line in lines]),
    }


def safe_str(value: object) -> str:
    """`str(value)`, whatever its class does in there."""
    try:
        return str(value)
    except Exception:
        return f"<{type(value).__name__} without a text>"


def bounded(text: str, limit: int = _MAX_VALUE) -> str:
    """`text`, of which the middle is left out when it has more than `limit` characters."""
    if len(text) <= limit:
        return text
    left_out = len(text) - limit
    return f"{text[: limit // 2]}\n… {left_out} characters left out …\n{text[-(limit // 2) :]}"


def bounded_lines(lines: list[str]) -> list[str]:
    """The same for the lines of a traceback."""
    if sum(map(len, lines)) <= _MAX_TRACEBACK:
        return lines
    return [bounded("\n".join(lines), _MAX_TRACEBACK)]


def _without_own(trace: TracebackType | None) -> TracebackType | None:
    frames: list[TracebackType] = []
    in_own = False
    while trace is not None and trace.tb_frame.f_code.co_filename == _SHELL:
        trace = trace.tb_next
    for frame in _frames(trace):
        file = frame.tb_frame.f_code.co_filename
        # Below frames of our own, the transport's are ours too.
        in_own = file.startswith(_OWN) or (in_own and _TRANSPORT.search(file) is not None)
        if not in_own:
            frames.append(frame)
    return _joined(frames)


def _frames(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _joined(frames: list[TracebackType]) -> TracebackType | None:
    trace: TracebackType | None = None
    for frame in reversed(frames):
        trace = TracebackType(trace, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return trace
