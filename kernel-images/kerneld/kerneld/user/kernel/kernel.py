"""The kernel object: ipykernel's IPythonKernel, with requests and outputs on channels of our own."""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import comm
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelbase import Kernel
from IPython.core.error import StdinNotImplementedError
from tornado.ioloop import IOLoop
from traitlets import Type

from . import parents
from .cells import reply_content, run_cell
from .channels import Channels
from .circumstances import circumstances
from .compiler import Compiler
from .forks import fork_uninterrupted
from .interrupts import Interrupts
from .output import Output
from .parents import Parent
from .publications import Publications
from .session import PROTOCOL_VERSION, KernelSession
from .shell import Shell
from .tracebacks import error_content
from .usage import Usage

log = logging.getLogger("hotcell.kernel")


class PythonKernel(IPythonKernel):
    """A kernel that is built before the fork and given its channels after it.

    What libraries know of a kernel stays: `shell`, `session`, `iopub_socket`, `get_parent`, `comm_manager`, `io_loop`.
    """

    shell_class = Type(Shell)
    # Not there before `connect`.
    _channels: Channels
    publications: Publications

    def __init__(self, **traits: Any):
        self.exit_requested = False
        self.forked = False
        self._fork_failed = False
        self.interrupts = Interrupts()
        self.output = Output(
            lambda name, text, parent: self.publications.queue_text(name, text, parent),
            lambda: self.publications.send(),
            self.interrupts.held(),
        )
        # Not IPythonKernel's own: it would load the debugger and replace methods of threading.Thread.
        Kernel.__init__(self, session=KernelSession(), log=log, **traits)
        self.shell = Shell.instance(
            parent=self, kernel=self, profile_dir=self.profile_dir, compiler_class=Compiler
        )
        self.comm_manager = comm.get_comm_manager()
        for msg_type in ("comm_open", "comm_msg", "comm_close"):
            self.shell_handlers[msg_type] = getattr(self.comm_manager, msg_type)

    # Life

    def connect(self, directory: str) -> None:
        """Bind the channels below `directory`; from then on this process is the kernel."""
        session: KernelSession = self.session
        session.renew()
        usage = Usage()
        answers = {
            "kernel_info_request": lambda _: {"status": "ok", **self.kernel_info},
            "interrupt_request": self._answer_interrupt,
            "shutdown_request": self._answer_shutdown,
            "usage_request": lambda _: usage.content(),
        }
        self._channels = Channels(directory, session, self.interrupts, self.ident, answers)
        self.publications = self._channels.publications
        self.iopub_socket = self._channels.publisher
        self.shell.displayhook.session = self.shell.display_pub.session = session
        self.shell.displayhook.pub_socket = self.shell.display_pub.pub_socket = self.iopub_socket
        self.shell.displayhook.topic = self.publications.topic("execute_result")

    def start(self) -> None:
        """Take the output and the signal and start the threads; in the main thread, with its event loop set."""
        self.io_loop = IOLoop.current()
        self.output.take()
        os.register_at_fork(before=self._before_fork, after_in_child=self._after_fork_in_child)
        fork_uninterrupted(self.interrupts, self._before_fork)
        self.interrupts.install()
        self.output.start()
        self._channels.control.start()

    async def serve(self) -> None:
        """Handle requests until the kernel is asked to end."""
        shell = self._channels.shell
        self.publications.status("starting", parents.NO_PARENT)
        self.publications.status("idle", parents.NO_PARENT)
        while not self.exit_requested:
            try:
                await self._handle(await shell.receive())
            except asyncio.CancelledError:
                # User code cancels all tasks that it finds, and this is one.
                log.info("cancelled by user code")

    def send_all(self, limit_s: float) -> None:
        """Have clients take what is said so far, or as much as they take in time; nothing can be said after it."""
        self.output.end_run()
        self._channels.publisher.finish(limit_s)

    def close(self) -> None:
        """Send what is left and close the channels."""
        self.output.end_run()
        self._channels.close()

    # Requests

    async def _handle(self, request: Parent) -> None:
        # What nobody's context claims and was not sent yet belongs to the request before.
        self.output.flush()
        parents.enter(request, latest=True)
        self.publications.status("busy", request)
        handler = self.shell_handlers.get(request.message["msg_type"])
        if handler is None:
            log.warning("unknown message type %r", request.message["msg_type"])
        else:
            await self._answer(request, handler)
        self.output.flush()
        self.publications.status("idle", request)

    async def _answer(self, request: Parent, handler: Callable[..., Any]) -> None:
        msg_type = request.message["msg_type"]
        try:
            if msg_type == "execute_request":
                await self.execute_request(self._channels.shell, request.identities, request.message)
                return
            with self.interrupts.allowed():
                result = handler(self._channels.shell, request.identities, request.message)
                if isinstance(result, Awaitable):
                    await result
        except (Exception, KeyboardInterrupt) as error:
            log.exception("%s failed", msg_type)
            if msg_type.endswith("_request"):
                self._reply(request, {"status": "error", **error_content(error)})

    async def execute_request(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        """Run code: `execute_input`, outputs, at most one `error`, and the reply."""
        request = parents.current()
        content = parent["content"]
        code = content["code"]
        if not isinstance(code, str):
            raise TypeError("code must be text")
        silent = bool(content.get("silent", False))
        store_history = bool(content.get("store_history", not silent))
        if not silent:
            count = self.shell.execution_count
            self.publications.publish("execute_input", {"code": code, "execution_count": count})
        self.output.begin_run()
        self.interrupts.install()
        self._error_published = False
        self.shell._last_traceback = None
        hotcell = parent["metadata"].get("hotcell") or {}
        try:
            with circumstances(hotcell.get("env") or {}, hotcell.get("cwd")):
                reply = await self.do_execute(
                    code,
                    silent,
                    store_history,
                    content.get("user_expressions") or {},
                    bool(content.get("allow_stdin", False)),
                )
        except BaseException as error:
            # Whatever it is: a run ends with a reply.
            reply = reply_content(self.shell, error)
        if self.forked:
            self._fork_failed = self._fork_failed or reply["status"] == "error"
            self.leave_fork()
        self.interrupts.install()
        self.output.end_run()
        if reply["status"] == "error" and not self._error_published:
            self.publish_error({name: reply[name] for name in ("ename", "evalue", "traceback")})
        self._reply(request, reply)
        if reply["status"] == "error" and not silent and content.get("stop_on_error", True):
            await self._abort_waiting()

    async def do_execute(
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: dict[str, str] | None = None,
        allow_stdin: bool = False,
        **_: Any,
    ) -> dict[str, Any]:
        """The content of the reply."""
        self._forward_input(allow_stdin)
        try:
            error = await run_cell(self.shell, self.interrupts, code, silent, store_history)
        finally:
            self._restore_input()
        reply = reply_content(self.shell, error)
        if error is None and user_expressions:
            with self.interrupts.allowed():
                reply["user_expressions"] = self.shell.user_expressions(user_expressions)
        return reply

    async def _abort_waiting(self) -> None:
        """Answer the requests to execute that wait already with `aborted`."""
        while (request := self._channels.shell.waiting()) is not None:
            if request.message["msg_type"] != "execute_request":
                await self._handle(request)
                continue
            self.publications.status("busy", request)
            self._reply(request, {"status": "aborted"})
            self.publications.status("idle", request)

    # Outputs

    def publish_error(self, content: dict[str, Any]) -> None:
        """Publish an `error` message for the current request."""
        if self.forked:
            self._fork_failed = True
            self.output.streams[1].write("\n".join([*content["traceback"], ""]))
            return
        self.output.flush()
        self._error_published = True
        self.publications.publish("error", content)

    def _reply(self, request: Parent, content: dict[str, Any]) -> None:
        if not self.forked:
            reply_type = request.message["msg_type"].removesuffix("_request") + "_reply"
            self.session.send(
                self._channels.shell,
                reply_type,
                content,
                parent=request.message,
                ident=request.identities,
                metadata={"status": content["status"]},
            )

    # Input

    def raw_input(self, prompt: object = "") -> str:
        """`input()`."""
        return self._ask(str(prompt), password=False)

    def getpass(self, prompt: str = "Password: ", stream: Any = None) -> str:
        """`getpass.getpass()`."""
        return self._ask(prompt, password=True)

    def _ask(self, prompt: str, password: bool) -> str:
        if self.forked:
            raise EOFError("a forked process has no input")
        if not self._allow_stdin:
            raise StdinNotImplementedError("this run has no input: it was started without stdin")
        self.output.flush()
        return self._channels.stdin.ask(prompt, password, parents.current())

    # Control

    @property
    def kernel_info(self) -> dict[str, Any]:
        return {
            "protocol_version": PROTOCOL_VERSION,
            "implementation": self.implementation,
            "implementation_version": self.implementation_version,
            "language_info": self.language_info,
            "banner": self.banner,
            "help_links": self.help_links,
            "debugger": False,
            "supported_features": [],
        }

    def get_parent(self, channel: str | None = None) -> dict[str, Any]:
        return parents.current().message

    def set_parent(self, ident: list[bytes], parent: dict[str, Any], channel: str = "shell") -> None:
        """Have the calling thread or task speak for another request."""
        parents.enter(Parent(parent, ident), latest=False)

    def _answer_interrupt(self, _: dict[str, Any]) -> dict[str, Any]:
        os.killpg(os.getpgrp(), signal.SIGINT)
        return {"status": "ok"}

    def _answer_shutdown(self, content: dict[str, Any]) -> dict[str, Any]:
        self.exit_requested = True
        self.io_loop.add_callback(self.io_loop.stop)
        return {"status": "ok", "restart": bool(content.get("restart", False))}

    # Forks

    def _before_fork(self) -> None:
        if not self.forked:
            self.output.flush()

    def _after_fork_in_child(self) -> None:
        self.forked = True
        self.exit_requested = True
        self.interrupts.leave()
        self._channels.publisher.abandon()
        self.output.write_to_descriptors()
        # An event loop that is on the stack must not go round again: its selector is shared with the kernel.
        self.io_loop.asyncio_loop.stop()

    def leave_fork(self) -> NoReturn:
        """End a process that user code forked: it has come to the end of its cell, or to where it would wait."""
        self.output.end_fork()
        os._exit(1 if self._fork_failed else 0)
