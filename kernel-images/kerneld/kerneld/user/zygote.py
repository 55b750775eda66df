"""The zygote: forks kernels and file workers for kerneld, and tells how they end.

It has one thread, which waits for nothing but the next event.
"""

import gc
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Mapping

from . import environment, limits
from .children import Children
from .control import ControlChannel, ControlError, Ping, Prepare, Reap, Request, StartFileWorker, StartKernel
from .files.worker import serve_file
from .kernel import process
from .kernel.kernel import PythonKernel
from .spare import Claim
from .spares import Spares

PYTHON_VERSION = ".".join(map(str, sys.version_info[:3]))


def serve(
    control: ControlChannel, image_environment: Mapping[str, str], kernel: PythonKernel, *, start_ahead: bool
) -> int:
    """Be the zygote as long as there is a kerneld; the process' exit code. With `start_ahead` the first
    kernel starts at once."""
    zygote = Zygote(control, image_environment, kernel)
    try:
        zygote.announce()
        if start_ahead:
            zygote.prepare(kept=True)
        zygote.serve()
    except EOFError:
        return 0
    except ControlError as error:
        print(f"kerneld broke the protocol: {error}", file=sys.stderr)
        return 1
    return 0


class Zygote:
    """Serves a control channel until kerneld closes it."""

    def __init__(self, control: ControlChannel, image_environment: Mapping[str, str], kernel: PythonKernel):
        """`kernel` is the built kernel that every Python kernel begins as a copy of."""
        self._control = control
        self._image_environment = image_environment
        self._kernel = kernel
        self._children = Children()
        self._inherited: list[int] = []
        self._spares = Spares(self._children, self._leave, self._be_spare)

    def announce(self) -> None:
        """Say what there is; raises `EOFError` when kerneld is gone."""
        self._control.send({"event": "ready", "languages": {"python": PYTHON_VERSION}})

    def serve(self) -> None:
        """Handle requests; raises `EOFError` when kerneld is gone, `ControlError` when it is mad."""
        signalled, signals = socket.socketpair()
        for end in (signalled, signals):
            end.setblocking(False)
        self._inherited = [signalled.detach(), signals.detach()]
        woken = self._inherited[0]
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._inherited[1], warn_on_full_buffer=False)
        ready = select.poll()
        ready.register(woken, select.POLLIN)
        while True:
            # Before the first wait, too: a child that ended before there was a handler has woken nobody.
            self._control.flush()
            while (request := self._control.receive()) is not None:
                self._handle(request)
            for child in self._children.ended():
                if not self._spares.ended(child.pid):
                    self._control.send({"event": "exited", **child._asdict()})
            self._spares.settle()
            if os.getpid() == 1:
                self._children.reap_orphans()
            wanted = select.POLLIN | (select.POLLOUT if self._control.has_unsent else 0)
            ready.register(self._control.fileno(), wanted)
            awaited = self._spares.awaited
            for descriptor in awaited:
                ready.register(descriptor, select.POLLIN)
            for descriptor, _ in ready.poll(self._spares.patience_ms):
                if descriptor == woken:
                    os.read(woken, 4096)
            for descriptor in awaited:
                ready.unregister(descriptor)

    def _handle(self, request: Request) -> None:
        match request:
            case Ping():
                self._control.send({"id": request.id, "ok": True})
            case Reap():
                self._children.reap(request.pid)
            case Prepare():
                self.prepare(kept=False)
            case StartKernel():
                self._start_kernel(request)
            case StartFileWorker():
                connection = request.connection
                try:
                    self._fork(request.id, lambda: serve_file(socket.socket(fileno=connection)))
                finally:
                    os.close(connection)

    def _start_kernel(self, request: StartKernel) -> None:
        """Answer it, now or when a spare kernel has said whether it is the one; closes its pipe."""
        if request.language != "python":
            self._refuse(request, "language_unavailable", "available: python")
            return
        try:
            environment.check_variables(request.env)
            directory = environment.working_directory(request.cwd)
        except ValueError as error:
            self._refuse(request, "invalid_request", str(error))
            return
        except OSError as error:
            detail = f"the working directory {request.cwd or '/workspace'} cannot be used: {error.strerror}"
            self._refuse(request, "invalid_path", detail)
            return

        def taken(pid: int, pidfd: int | None) -> None:
            os.close(request.ready)
            self._control.send({"id": request.id, "ok": True, "pid": pid}, pidfd)

        def run() -> int:
            environment.enter(self._image_environment, request.env, directory)
            environment.reseed()
            gc.enable()
            return process.run(self._kernel, request.directory, lambda: _say_ready(request.ready))

        def fresh() -> None:
            try:
                self._fork(request.id, run)
            finally:
                os.close(request.ready)

        claim = Claim(request.directory, request.env, directory)
        if not self._spares.claim(claim, request.ready, taken, fresh):
            fresh()

    def prepare(self, *, kept: bool) -> None:
        """Have a spare kernel; unless it is `kept` it ends when nobody asks for one soon."""
        self._spares.start(kept=kept)

    def _be_spare(self, directory: str, await_claim: Callable[[Callable[[Claim], None]], int]) -> int:
        """In a spare kernel: its whole life."""

        def enter(claim: Claim) -> None:
            environment.enter(self._image_environment, claim.env, claim.working_directory)

        environment.reseed()
        gc.enable()
        return process.run(self._kernel, directory, lambda: _say_ready(await_claim(enter)))

    def _fork(self, request_id: int, run: Callable[[], int]) -> None:
        try:
            pid, pidfd = self._children.fork(self._leave, run)
        except OSError as error:
            detail = f"fork: {error.strerror}"
            self._control.send({"id": request_id, "ok": False, "code": "kernel_start_failed", "detail": detail})
            return
        self._control.send({"id": request_id, "ok": True, "pid": pid}, pidfd)

    def _refuse(self, request: StartKernel, code: str, detail: str) -> None:
        os.close(request.ready)
        self._control.send({"id": request.id, "ok": False, "code": code, "detail": detail})

    def _leave(self) -> None:
        """In a child: drop what is the zygote's."""
        self._control.close()
        self._spares.leave()
        for descriptor in self._inherited:
            os.close(descriptor)
        limits.set_out_of_memory_score(limits.CHILD_SCORE)


def _say_ready(pipe: int) -> None:
    os.write(pipe, b"b")
    os.close(pipe)
