"""kerneld's parts put together, and the ways in which it ends."""

import asyncio
import gc
import os
import signal
from contextlib import suppress

import zmq

from kerneld.artifacts import Artifacts
from kerneld.cgroup import Cgroup
from kerneld.console import Console
from kerneld.journal import Journal
from kerneld.kernels import Kernels
from kerneld.link import Link, new_boot_id
from kerneld.log import note
from kerneld.memory import give_back_early
from kerneld.privileges import UserSide
from kerneld.routes import make_routes
from kerneld.runs import Runs
from kerneld.services import Services
from kerneld.transcript import Transcript
from kerneld.zygote import Zygote

_PRIVATE = "/run/kerneld"

EXIT_ZYGOTE_LOST = 70
EXIT_ABANDONED = 75


def run(user_side: UserSide, link_directory: str) -> int:
    """Serve until the sandbox has to end; returns the exit status, by which time the user side is dead."""
    give_back_early()
    status = asyncio.run(_serve(user_side, link_directory))
    # As PID 1 this reaches every other process of the sandbox.
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    return status


async def _serve(user_side: UserSide, link_directory: str) -> int:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[tuple[int, str]] = loop.create_future()

    def end(status: int, reason: str) -> None:
        if not ended.done():
            ended.set_result((status, reason))

    def zygote_lost(reason: str) -> None:
        if not kernels.assigned:
            # Nothing of a user's can be in it yet, and whoever made the sandbox wants to know.
            note(f"the user side said: {console.tail}")
        with suppress(ProcessLookupError):
            os.kill(user_side.zygote_pid, signal.SIGCONT)
        end(EXIT_ZYGOTE_LOST, reason)

    loop.add_signal_handler(signal.SIGCHLD, _reap)
    _reap()
    context = zmq.Context(io_threads=1)
    # Threads are made with the first socket: now, not when user code has taken the last process id.
    context.socket(zmq.PAIR).close()
    console = Console(user_side.console)
    runs = Runs()
    services = Services(
        zygote=Zygote(user_side.control, console, zygote_lost),
        context=context,
        journal=Journal(f"{_PRIVATE}/journal", loop),
        artifacts=Artifacts(f"{_PRIVATE}/artifacts"),
        transcript=Transcript(),
        cgroup=Cgroup(),
        find_run=runs.find,
    )
    kernels = Kernels(services)
    boot = new_boot_id()
    routes = make_routes(boot, services, kernels, runs)
    # Held by name: the loop keeps only weak references to tasks.
    link = Link(
        f"{link_directory}/gateway.sock",
        routes,
        boot,
        lambda reason: end(EXIT_ABANDONED, reason),
    )
    gc.freeze()
    note("started")
    status, reason = await ended
    link.close()
    note(f"the sandbox ends: {reason}")
    return status


def _reap() -> None:
    """Collect what was left to PID 1; the end of the zygote shows on its socket."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
