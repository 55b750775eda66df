"""The user side of a sandbox: PID 1 of a namespace of its own, in which nothing of kerneld's has a name."""

import json
import os
import signal
from typing import NoReturn

from kerneld.privileges import CONTROL_DESCRIPTOR
from kerneld.user import limits
from kerneld.user.control import ControlChannel
from kerneld.user.zygote import serve

from . import identity, places, protections
from .ends import Inner
from .failure import Failure
from .preparation import Prepared
from .protections import Side
from .request import Request

NAMESPACES = os.CLONE_NEWPID | os.CLONE_NEWNS

_SIDE = Side(
    "user",
    identity.USER,
    (places.WORKSPACE, places.TMP, places.SHM, places.KERNELS, "/dev", "/proc"),
    signals_only_itself=True,
)
_REPORT = CONTROL_DESCRIPTOR + 1


def live(ends: Inner, request: Request, prepared: Prepared) -> NoReturn:
    """The whole life of the clone that becomes this side; its end ends everything in it."""
    code = 1
    try:
        _take_descriptors(ends)
        try:
            held = protections.take(_SIDE, request, prepared)
        except Exception as error:
            os.write(_REPORT, json.dumps(Failure("setup_failed", f"user side: {error}").as_answer()).encode())
        else:
            # An init is safe from signals whose default it has not changed; Python changes this one.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.write(_REPORT, json.dumps({"ok": True, "protections": held}).encode())
            os.close(_REPORT)
            code = _serve(request, prepared)
    finally:
        os._exit(code)


def arguments(side: Side) -> list[str]:
    """What a program that is executed in place of a side is told."""
    return [*("--user-uid", str(identity.USER)), *("--kerneld-uid", str(identity.KERNELD)), *("--side", side.name)]


def _take_descriptors(ends: Inner) -> None:
    os.setsid()
    os.dup2(ends.console, 1)
    os.dup2(ends.console, 2)
    control, report = os.dup(ends.control.detach()), os.dup(ends.report)
    control, report = os.dup(control), os.dup(report)
    os.dup2(control, CONTROL_DESCRIPTOR, inheritable=True)
    os.dup2(report, _REPORT, inheritable=False)
    os.closerange(_REPORT + 1, os.sysconf("SC_OPEN_MAX"))


def _serve(request: Request, prepared: Prepared) -> int:
    limits.set_out_of_memory_score(limits.ZYGOTE_SCORE)
    prepared.skeleton.copy()
    if request.program is not None:
        os.execve(request.program[0], [*request.program, *arguments(_SIDE)], prepared.environment)
    os.set_inheritable(CONTROL_DESCRIPTOR, False)
    control = ControlChannel(CONTROL_DESCRIPTOR)
    return serve(control, prepared.environment, prepared.kernel, start_ahead=True)
