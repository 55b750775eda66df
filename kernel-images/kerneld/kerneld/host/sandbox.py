"""PID 1 of a sandbox: the sandbox in the making first, then kerneld."""

import gc
import json
import os
import socket
import traceback
from typing import Any, NoReturn

from kerneld import daemon
from kerneld.privileges import UserSide, become_unreachable

from . import cgroups, file_systems, identity, loopback, places, protections, user_side
from .clone import clone
from .ends import Outer, connect
from .failure import Failure
from .preparation import Prepared
from .protections import Side
from .request import Request, receive

NAMESPACES = os.CLONE_NEWPID | os.CLONE_NEWNS | os.CLONE_NEWNET | os.CLONE_NEWIPC | os.CLONE_NEWUTS

# Signals are not kept to itself: it ends what the user side starts.
_SIDE = Side("kerneld", identity.KERNELD, (places.KERNELD, places.KERNELS, "/dev"), signals_only_itself=False)
_CONNECTION, _OUT_OF_MEMORY = 3, 4
_MOST_REPORT = 64 * 1024


def live(connection: socket.socket, out_of_memory: int | None, prepared: Prepared) -> NoReturn:
    """The whole life of a clone of the zygote, in `NAMESPACES`: never returns into the zygote's code.

    `out_of_memory` is an eventfd that is to count when memory is used up.
    """
    code = 1
    try:
        connection = _take_descriptors(connection, out_of_memory)
        try:
            code = _live(connection, out_of_memory is not None, prepared)
        except Failure as failure:
            _answer(connection, failure.as_answer())
        except Exception as error:
            _answer(connection, Failure("setup_failed", str(error) or repr(error)).as_answer())
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _take_descriptors(connection: socket.socket, out_of_memory: int | None) -> socket.socket:
    """Close what is the zygote's, its sockets among it; the connection under its new number."""
    # Two steps: each may stand where the other has to go.
    moved = [os.dup(os.dup(os.dup(descriptor))) for descriptor in (connection.fileno(), out_of_memory) if descriptor]
    for number, descriptor in enumerate(moved):
        os.dup2(descriptor, _CONNECTION + number, inheritable=False)
    os.closerange(_CONNECTION + len(moved), os.sysconf("SC_OPEN_MAX"))
    os.setsid()
    return socket.socket(fileno=_CONNECTION)


def _live(connection: socket.socket, tells_out_of_memory: bool, prepared: Prepared) -> int:
    loopback.bring_up()
    file_systems.mount_terminals()
    try:
        request = receive(connection)
    except ValueError as error:
        raise Failure("setup_failed", str(error)) from error
    if request is None:
        return 0
    link = f"{places.LINKS}/{request.link}"
    if not os.path.isdir(link):
        raise Failure("link_missing", f"{request.link} is no directory among the links")
    if request.program is not None and not os.access(request.program[0], os.X_OK):
        raise Failure("program_missing", f"{request.program[0]} cannot be executed")
    _join_cgroups(request, tells_out_of_memory, prepared)
    file_systems.mount_shared(request)
    outer, inner = connect()
    clone_of_this = clone(user_side.NAMESPACES)
    if clone_of_this.pid == 0:
        user_side.live(inner, request, prepared)
    inner.close()
    os.close(clone_of_this.descriptor)
    file_systems.mount_private(link, request)
    held = protections.take(_SIDE, request, prepared)
    become_unreachable()
    answer = _together(held, outer.report, request, prepared)
    _answer(connection, answer)
    if answer["ok"] is not True:
        return 1
    os.dup2(_CONNECTION, 1)
    os.dup2(_CONNECTION, 2)
    connection.close()
    if request.program is not None:
        _execute(request.program, outer, prepared)
    # A reader that is slow must not hold up kerneld.
    os.set_blocking(2, False)
    os.set_blocking(outer.console, False)
    outer.control.setblocking(False)
    gc.enable()
    return daemon.run(UserSide(outer.control, outer.console, clone_of_this.pid), places.LINK)


def _join_cgroups(request: Request, tells_out_of_memory: bool, prepared: Prepared) -> None:
    if request.cgroup is not None:
        cgroups.join(prepared.hierarchies, request.cgroup)
        if tells_out_of_memory:
            cgroups.tell_out_of_memory(prepared.hierarchies, request.cgroup, _OUT_OF_MEMORY)
    if tells_out_of_memory:
        os.close(_OUT_OF_MEMORY)
    # Made earlier, it would show the way from the machine's root to the groups.
    os.unshare(os.CLONE_NEWCGROUP)
    if request.cgroup is not None:
        cgroups.show(prepared.hierarchies, request.cgroup)


def _together(held: list[str], report: int, request: Request, prepared: Prepared) -> dict[str, Any]:
    """The answer to the request, when the user side has said how it fares."""
    with open(report, "rb") as file:
        line = file.read(_MOST_REPORT)
    said: dict[str, Any] = json.loads(line) if line else Failure("setup_failed", "the user side ended").as_answer()
    if said["ok"] is not True:
        return said
    theirs = said["protections"]
    limits = [] if request.cgroup is None else cgroups.limits(prepared.hierarchies)
    both = [name for name in held if name in theirs]
    return {"ok": True, "protections": sorted({*protections.OF_EVERY_SANDBOX, *both, *limits})}


def _execute(program: list[str], outer: Outer, prepared: Prepared) -> NoReturn:
    control, console = os.dup(outer.control.fileno()), os.dup(outer.console)
    os.dup2(os.dup(control), _CONNECTION, inheritable=True)
    os.dup2(os.dup(console), _CONNECTION + 1, inheritable=True)
    os.execve(program[0], [*program, *user_side.arguments(_SIDE)], prepared.environment)


def _answer(connection: socket.socket, answer: dict[str, Any]) -> None:
    connection.sendall(json.dumps(answer).encode() + b"\n")
