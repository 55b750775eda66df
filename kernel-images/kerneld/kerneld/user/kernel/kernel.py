"""The kernel object: ipykernel's IPythonKernel, with requests and outputs on channels of our own."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any, NoReturn

import comm
from IPython.core.async_helpers import _pseudo_sync_runner
from IPython.core.error import StdinNotImplementedError
from ipykernel.compiler import XCachingCompiler
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelbase import Kernel
from tornado.ioloop import IOLoop
from traitlets import Type

from . import parents
from .capture import SPAWNING, Capture
from .channels import Channels
from .circumstances import circumstances
from .interrupts import Interrupts
from .outbox import Outbox
from .packing import pack
from .parents import Parent
from .session import PROTOCOL_VERSION, KernelSession
from .shell import Shell
from .streams import OutputStream
from .tracebacks import error_content

_DRAIN_S = 0.02
_STATUS = {state: pack({"execution_state": state}) for state in ("starting", "busy", "idle")}

log = logging.getLogger("hotcell.kernel")


class PythonKernel(IPythonKernel):
    """A kernel that is built before the fork and given its channels after it.

    What libraries know of a kernel stays: `shell`, `session`, `iopub_socket`, `get_parent`, `comm_manager`, `io_loop`.
    """

    shell_class = Type(Shell)

    def __init__(self, **traits: Any):
        self.exit_requested = False
        self.forked = False
        self._fork_failed = False
        self.interrupts = Interrupts()
        self.outbox = Outbox(self._publish_text)
        # Not IPythonKernel's own: it would load the debugger and replace methods of threading.Thread.
        Kernel.__init__(self, session=KernelSession(), log=log, **traits)
        self.shell = Shell.instance(
            parent=self, kernel=self, profile_dir=self.profile_dir, compiler_class=XCachingCompiler
        )
        self.comm_manager = comm.get_comm_manager()
        for msg_type in ("comm_open", "comm_msg", "comm_close"):
            self.shell_handlers[msg_type] = getattr(self.comm_manager, msg_type)
        self._channels: Channels | None = None
        self._capture: Capture | None = None
        self._streams: tuple[OutputStream, ...] = ()

    # Life

    def connect(self, directory: str) -> None:
        """Bind the channels below `directory`; from then on this process is the kernel."""
        session: KernelSession = self.session
        session.renew()
        self._status_topic = self._topic("status")
        self._stream_topics = {name: f"stream.{name}".encode() for name in ("stdout", "stderr")}
        self._channels = Channels(
            directory,
            session,
            self.interrupts,
            self._status_topic,
            {
                "kernel_info_request": lambda _: {"status": "ok", **self.kernel_info},
                "interrupt_request": self._answer_interrupt,
                "shutdown_request": self._answer_shutdown,
            },
        )
        self.iopub_socket = self._channels.publisher
        self.shell.displayhook.session = self.shell.display_pub.session = session
        self.shell.displayhook.pub_socket = self.shell.display_pub.pub_socket = self.iopub_socket
        self.shell.displayhook.topic = self._topic("execute_result")

    def take_output(self) -> None:
        """Replace the standard streams and descriptors."""
        self._capture = Capture(self.outbox.add)
        self._streams = (
            OutputStream("stdout", 1, self.outbox, self._capture.fetch),
            OutputStream("stderr", 2, self.outbox, self._capture.fetch),
        )
        sys.stdout, sys.stderr = self._streams
        sys.addaudithook(self._notice_programs)
        os.register_at_fork(before=self._before_fork, after_in_child=self._after_fork_in_child)

    def start(self) -> None:
        """Start the threads, and take the signal; in the main thread, with its event loop set."""
        assert self._channels is not None and self._capture is not None
        self.io_loop = IOLoop.current()
        self.interrupts.install()
        self.outbox.start()
        self._capture.start()
        self._channels.control.start()

    async def serve(self) -> None:
        """Handle requests until the kernel is asked to end."""
        assert self._channels is not None
        shell = self._channels.shell
        self._publish_status("starting", parents.NO_PARENT)
        self._publish_status("idle", parents.NO_PARENT)
        while not self.exit_requested:
            try:
                await self._handle(await shell.receive())
            except asyncio.CancelledError:
                # User code cancels all tasks that it finds, and this is one.
                log.info("cancelled by user code")

    def close(self) -> None:
        """Send what is left and close the channels."""
        if self._capture is not None:
            self._capture.drain(_DRAIN_S)
        self.outbox.flush()
        if self._channels is not None:
            self._channels.close()

    # Requests

    async def _handle(self, request: Parent) -> None:
        # What nobody's context claims and was not sent yet belongs to the request before.
        self.outbox.flush()
        parents.enter(request, latest=True)
        self._publish_status("busy", request)
        handler = self.shell_handlers.get(request.message["msg_type"])
        if handler is None:
            log.warning("unknown message type %r", request.message["msg_type"])
        else:
            await self._answer(request, handler)
        self.outbox.flush()
        self._publish_status("idle", request)

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
            self._publish("execute_input", {"code": code, "execution_count": self.shell.execution_count})
        self._restore_streams()
        self._error_published = False
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
            reply = {
                "status": "error",
                "execution_count": self.shell.execution_count - 1,
                "user_expressions": {},
                "payload": [],
                **error_content(error),
            }
        if self.forked:
            self._fork_failed = self._fork_failed or reply["status"] == "error"
            self.leave_fork()
        self.interrupts.install()
        assert self._capture is not None
        self._capture.drain(_DRAIN_S)
        self.outbox.flush()
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
        shell = self.shell
        shell._last_traceback = None
        self._forward_input(allow_stdin)
        try:
            result = await self._run_cell(code, silent, store_history)
            error = result.error_before_exec or result.error_in_exec
        except (KeyboardInterrupt, asyncio.CancelledError) as ended:
            error = ended
        finally:
            self._restore_input()
        reply: dict[str, Any] = {"status": "ok", "user_expressions": {}}
        if error is not None:
            reply |= {"status": "error", **error_content(error)}
            if shell._last_traceback:
                reply["traceback"] = shell._last_traceback
        elif user_expressions:
            with self.interrupts.allowed():
                reply["user_expressions"] = shell.user_expressions(user_expressions)
        reply["execution_count"] = shell.execution_count - 1
        reply["payload"] = shell.payload_manager.read_payload()
        shell.payload_manager.clear_payload()
        return reply

    async def _run_cell(self, code: str, silent: bool, store_history: bool) -> Any:
        shell = self.shell
        result = None
        failure = None
        try:
            with self.interrupts.allowed():
                try:
                    cell = shell.transform_cell(code)
                except Exception:
                    cell, failure = code, sys.exc_info()
            coroutine = shell.run_cell_async(
                code,
                store_history=store_history,
                silent=silent,
                transformed_cell=cell,
                preprocessing_exc_tuple=failure,
            )
            # Only what has one of these words can need the event loop, and finding out costs a compilation.
            if ("await" in cell or "async" in cell) and shell.should_run_async(
                code, transformed_cell=cell, preprocessing_exc_tuple=failure
            ):
                result = await self.interrupts.run(coroutine)
            else:
                with self.interrupts.allowed():
                    result = _pseudo_sync_runner(coroutine)
        finally:
            with self.interrupts.allowed():
                shell.events.trigger("post_execute")
                if not silent:
                    shell.events.trigger("post_run_cell", result)
        return result

    async def _abort_waiting(self) -> None:
        """Answer the requests to execute that wait already with `aborted`."""
        while (request := self._channels.shell.waiting()) is not None:
            if request.message["msg_type"] != "execute_request":
                await self._handle(request)
                continue
            self._publish_status("busy", request)
            self._reply(request, {"status": "aborted"})
            self._publish_status("idle", request)

    # Outputs

    def publish_error(self, content: dict[str, Any]) -> None:
        """Publish an `error` message for the current request."""
        if self.forked:
            self._fork_failed = True
            self._streams[1].write("\n".join([*content["traceback"], ""]))
            return
        self.outbox.flush()
        self._error_published = True
        self._publish("error", content)

    def _publish(self, msg_type: str, content: dict[str, Any]) -> None:
        self.session.send(
            self.iopub_socket, msg_type, content, parents.current().message, self._topic(msg_type)
        )

    def _publish_text(self, name: str, text: str, parent: Parent) -> None:
        content = pack({"name": name, "text": text})
        frames = self.session.frames(self._stream_topics[name], "stream", content, parent)
        self.iopub_socket.send_multipart(frames)

    def _publish_status(self, status: str, parent: Parent) -> None:  # type: ignore[override]
        if not self.forked:
            frames = self.session.frames(self._status_topic, "status", _STATUS[status], parent)
            self.iopub_socket.send_multipart(frames)

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

    def _restore_streams(self) -> None:
        """Give a run the streams and descriptors again that an earlier one may have taken away."""
        sys.stdout, sys.stderr = self._streams
        for stream in self._streams:
            stream.reopen()
        assert self._capture is not None
        self._capture.repair()
        self.interrupts.install()

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
        self.outbox.flush()
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

    # Programs and forks

    def _notice_programs(self, event: str, _: tuple[Any, ...]) -> None:
        if event in SPAWNING:
            for stream in self._streams:
                stream.follow_programs()

    def _before_fork(self) -> None:
        if not self.forked:
            self.outbox.flush()

    def _after_fork_in_child(self) -> None:
        self.forked = True
        self.exit_requested = True
        self._channels.publisher.abandon()
        self.outbox.clear()
        for stream in self._streams:
            stream.write_to_descriptor()
        # An event loop that is on the stack must not go round again: its selector is shared with the kernel.
        self.io_loop.asyncio_loop.stop()

    def leave_fork(self) -> NoReturn:
        """End a process that user code forked: it has come to the end of its cell, or to where it would wait."""
        for stream in self._streams:
            stream.reopen()
            stream.flush()
        os._exit(1 if self._fork_failed else 0)
