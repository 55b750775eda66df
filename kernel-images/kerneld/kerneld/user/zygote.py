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

from . import environment, limits, spare
from .children import Children
from .control import ControlChannel, ControlError, Ping, Reap, Request, StartFileWorker, StartKernel
from .files.worker import serve_file
from .kernel import process
from .kernel.kernel import PythonKernel
from .spare import Claim, SpareKernel, await_claim

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
            zygote.start_spare()
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
        self._spare: SpareKernel | None = None

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
                if self._spare is not None and child.pid == self._spare.pid:
                    self._abandon_spare(self._spare)
                    continue
                self._control.send({"event": "exited", **child._asdict()})
            if os.getpid() == 1:
                self._children.reap_orphans()
            wanted = select.POLLIN | (select.POLLOUT if self._control.has_unsent else 0)
            ready.register(self._control.fileno(), wanted)
            for descriptor, _ in ready.poll():
                if descriptor == woken:
                    os.read(woken, 4096)

    def _handle(self, request: Request) -> None:
        match request:
            case Ping():
                self._control.send({"id": request.id, "ok": True})
            case Reap():
                self._children.reap(request.pid)
            case StartKernel():
                try:
                    self._start_kernel(request)
                finally:
                    os.close(request.ready)
            case StartFileWorker():
                connection = request.connection
                try:
                    self._fork(request.id, lambda: serve_file(socket.socket(fileno=connection)))
                finally:
                    os.close(connection)

    def _start_kernel(self, request: StartKernel) -> None:
        if request.language != "python":
            self._refuse(request.id, "language_unavailable", "available: python")
            return
        try:
            environment.check_variables(request.env)
            directory = environment.working_directory(request.cwd)
        except ValueError as error:
            self._refuse(request.id, "invalid_request", str(error))
            return
        except OSError as error:
            self._refuse(request.id, "kernel_start_failed", f"working directory: {error}")
            return

        if self._spare is not None and self._claim_spare(self._spare, request, directory):
            return

        def run() -> int:
            environment.enter(self._image_environment, request.env, directory)
            environment.reseed()
            gc.enable()
            return process.run(self._kernel, request.directory, lambda: _say_ready(request.ready))

        self._fork(request.id, run)

    def start_spare(self) -> None:
        """Start the kernel that will be asked for first; it takes the environment when it is."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

        def ready() -> None:
            claim, pipe = await_claim(theirs)
            environment.enter(self._image_environment, claim.env, claim.working_directory)
            _say_ready(pipe)

        def run() -> int:
            ours.close()
            environment.reseed()
            gc.enable()
            return process.run(self._kernel, spare.DIRECTORY, ready)

        with theirs:
            try:
                self._spare = SpareKernel(*self._children.fork(self._leave, run), ours)
            except OSError:
                # The one that is asked for will meet with the same, and say so.
                ours.close()

    def _claim_spare(self, kernel: SpareKernel, request: StartKernel, directory: str) -> bool:
        """Whether the spare kernel is now the one asked for."""
        try:
            descriptor = kernel.claim(Claim(request.directory, request.env, directory), request.ready)
        except OSError:
            self._abandon_spare(kernel)
            return False
        self._spare = None
        self._control.send({"id": request.id, "ok": True, "pid": kernel.pid}, descriptor)
        return True

    def _abandon_spare(self, kernel: SpareKernel) -> None:
        self._spare = None
        kernel.close()
        self._children.reap(kernel.pid)

    def _fork(self, request_id: int, run: Callable[[], int]) -> None:
        try:
            pid, pidfd = self._children.fork(self._leave, run)
        except OSError as error:
            self._refuse(request_id, "kernel_start_failed", f"fork: {error.strerror}")
            return
        self._control.send({"id": request_id, "ok": True, "pid": pid}, pidfd)

    def _refuse(self, request_id: int, code: str, detail: str) -> None:
        self._control.send({"id": request_id, "ok": False, "code": code, "detail": detail})

    def _leave(self) -> None:
        """In a child: drop what is the zygote's."""
        self._control.close()
        for descriptor in self._inherited:
            os.close(descriptor)
        limits.set_out_of_memory_score(limits.CHILD_SCORE)


def _say_ready(pipe: int) -> None:
    os.write(pipe, b"b")
    os.close(pipe)
