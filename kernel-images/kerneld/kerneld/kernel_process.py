"""One generation of a kernel: its process, the channels to it, the proof that it is ready, and its death."""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import zmq

from kerneld.channel import Channel
from kerneld.child import Child, Exit
from kerneld.errors import RequestError
from kerneld.log import note
from kerneld.messages import InvalidMessage, Message, MessageReader, request
from kerneld.zygote import Zygote

_START_S = 30
_SHUTDOWN_S = 1
_QUIET_S = 0.1
_DRAIN_S = 60
_INFO_REQUEST = "kerneld:info"

type OnMessage = Callable[[Message], None]


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a kernel."""

    kernel_id: str
    language: str
    directory: str
    env: dict[str, str]
    cwd: str | None
    first: bool


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears what a kernel says; `on_end` comes once, after the last message."""

    on_iopub: OnMessage
    on_shell: OnMessage
    on_control: OnMessage
    on_stdin: OnMessage
    on_end: Callable[["KernelProcess", Exit], None]


class KernelProcess:
    """A kernel's process with shell, stdin and iopub connected, and control once it is needed."""

    def __init__(
        self, child: Child, context: zmq.Context[zmq.Socket[bytes]], directory: str, listener: Listener
    ) -> None:
        self._child = child
        self._context = context
        self._directory = directory
        self._listener = listener
        self._reader = MessageReader()
        self._channels: list[Channel] = []
        self._shell: Channel | None = None
        self._control: Channel | None = None
        self._stdin: Channel | None = None
        self._iopub: Channel | None = None
        self._welcome = asyncio.Event()
        self._info = asyncio.Event()
        self._ready = False
        self._ending: asyncio.Task[None] | None = None
        self.received = 0
        """Messages on iopub so far."""
        self.received_bytes = 0
        self.invalid = 0
        """Messages that were dropped because they are none."""

    @classmethod
    async def start(
        cls, zygote: Zygote, context: zmq.Context[zmq.Socket[bytes]], launch: Launch, listener: Listener
    ) -> "KernelProcess":
        """A kernel that has proven to be ready. Raises `RequestError` when it does not come to that."""
        read_end, write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            try:
                child = await zygote.kernel(
                    launch.kernel_id,
                    launch.language,
                    launch.directory,
                    launch.env,
                    launch.cwd,
                    launch.first,
                    write_end,
                )
            finally:
                os.close(write_end)
            process = cls(child, context, launch.directory, listener)
            try:
                async with asyncio.timeout(_START_S):
                    await process._become_ready(read_end)
            except (TimeoutError, _NotReady) as problem:
                child.kill()
                how = await child.ended
                process.close()
                why = str(problem) or f"it was not ready after {_START_S} s"
                raise RequestError(
                    "kernel_start_failed", f"{why} ({how.reason})\n{zygote.console.tail}".strip()
                ) from None
            except BaseException:
                child.kill()
                process.close()
                raise
        finally:
            os.close(read_end)
        process._ready = True
        child.ended.add_done_callback(process._died)
        return process

    @property
    def alive(self) -> bool:
        """Whether it makes sense to send it anything."""
        return self._child.alive

    def when_ended(self, notice: Callable[[], None]) -> None:
        """Have `notice` called as soon as the process has ended, before what it said last has been heard."""
        self._child.ended.add_done_callback(lambda _: notice())

    @property
    def session(self) -> str:
        """The `header.session` of what it sends."""
        session: object = self._reader.session
        return session if isinstance(session, str) else ""

    @property
    def paused(self) -> bool:
        """Whether iopub is not being read."""
        return self._iopub is not None and self._iopub.paused

    def pause(self) -> None:
        if self._iopub:
            self._iopub.pause()

    def resume(self) -> None:
        if self._iopub:
            self._iopub.resume()

    def send_shell(self, parts: Sequence[bytes]) -> None:
        """Send a request; one that a kernel does not take is lost like one that it does not answer."""
        if self._shell:
            with suppress(zmq.Again):
                self._shell.send(parts)

    def send_control(self, parts: Sequence[bytes]) -> None:
        if self._control is None:
            self._control = self._connect(zmq.DEALER, "control", self._listener.on_control)
        with suppress(zmq.Again):
            self._control.send(parts)

    def send_stdin(self, parts: Sequence[bytes]) -> None:
        if self._stdin:
            with suppress(zmq.Again):
                self._stdin.send(parts)

    def interrupt(self) -> None:
        self._child.interrupt()

    def kill(self) -> None:
        self._child.kill()

    def kill_followers(self, since: int) -> None:
        """End what the kernel has started at `since` (of `process_group.clock`) or later, and left in its group."""
        self._child.kill_followers(since)

    def shut_down(self) -> None:
        """Ask the kernel to end, so that its exit handlers run; kill it when it takes longer than a second."""
        killing = asyncio.get_running_loop().call_later(_SHUTDOWN_S, self.kill)
        self._child.ended.add_done_callback(lambda _: killing.cancel())
        self.send_control(request("shutdown_request", "kerneld:shutdown", {"restart": False}, {}))

    def close(self) -> None:
        for channel in self._channels:
            channel.close()

    async def _become_ready(self, read_end: int) -> None:
        if await _first_byte(read_end) != b"b":
            raise _NotReady("the kernel ended before it was ready")
        self._shell = self._connect(zmq.DEALER, "shell", self._on_shell)
        self._stdin = self._connect(zmq.DEALER, "stdin", self._on_stdin)
        self._iopub = self._connect(zmq.SUB, "iopub", self._on_iopub)
        self.send_shell(request("kernel_info_request", _INFO_REQUEST, {}, {}))
        proof = asyncio.gather(self._welcome.wait(), self._info.wait())
        try:
            await asyncio.wait((proof, self._child.ended), return_when=asyncio.FIRST_COMPLETED)
            if not proof.done():
                raise _NotReady("the kernel ended before it answered")
        finally:
            proof.cancel()

    def _connect(self, kind: int, name: str, on_message: OnMessage) -> Channel:
        def received(parts: list[bytes]) -> None:
            try:
                message = self._reader.read(parts)
                on_message(message)
            except InvalidMessage:
                self.invalid += 1
            except Exception as error:
                # Nothing that a kernel says may keep us from hearing the rest.
                note(f"a message could not be handled: {type(error).__name__}")
                self.invalid += 1

        channel = Channel(self._context, kind, f"ipc://{self._directory}/{name}", received)
        self._channels.append(channel)
        return channel

    def _on_shell(self, message: Message) -> None:
        if message.parent_id == _INFO_REQUEST:
            self._info.set()
        elif self._ready:
            self._listener.on_shell(message)

    def _on_stdin(self, message: Message) -> None:
        if self._ready:
            self._listener.on_stdin(message)

    def _on_iopub(self, message: Message) -> None:
        self.received += 1
        self.received_bytes += len(message.content)
        if message.msg_type == "iopub_welcome":
            self._welcome.set()
        else:
            self._listener.on_iopub(message)

    def _died(self, ended: asyncio.Future[Exit]) -> None:
        self._ending = asyncio.get_running_loop().create_task(self._end(ended.result()))

    async def _end(self, how: Exit) -> None:
        """Hear what was said before the death: it may still be on its way through ZeroMQ's own thread.

        The kernel's ends of the channels close with it, unless a process that it forked and that left its group has
        them too: then it is over when nothing has come for a while.
        """
        exhausted = [channel.exhausted for channel in self._channels]
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                before, waiting = -1, True
                while waiting and (self.paused or self.received != before):
                    before = self.received
                    _, waiting = await asyncio.wait(exhausted, timeout=_QUIET_S)
        self.close()
        self._listener.on_end(self, how)


class _NotReady(Exception):
    """The kernel did not start."""


async def _first_byte(descriptor: int) -> bytes:
    """One byte from a pipe, or none at its end."""
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()
    loop.add_reader(descriptor, lambda: readable.done() or readable.set_result(None))
    try:
        await readable
    finally:
        loop.remove_reader(descriptor)
    return os.read(descriptor, 1)
