"""The four sockets of a kernel, below one directory."""

import os
from typing import Any

import zmq

from . import parents
from .control_channel import Answer, ControlChannel
from .interrupts import Interrupts
from .iopub import Publisher
from .packing import pack
from .publications import Publications
from .requests import ShellChannel
from .session import KernelSession
from .stdin import InputChannel


class Channels:
    """Shell, control, stdin and iopub, bound to `ipc://<directory>/<name>`."""

    def __init__(
        self,
        directory: str,
        session: KernelSession,
        interrupts: Interrupts,
        kernel_id: str,
        control_answers: dict[str, Answer],
    ):
        self._context: zmq.Context[Any] = zmq.Context()
        # kerneld connects as a member of the directory's group, and connecting takes the right to write.
        umask = os.umask(0o007)
        try:
            os.makedirs(directory, mode=0o750, exist_ok=True)
            self.publisher = Publisher(
                self._context,
                f"ipc://{directory}/iopub",
                interrupts,
                lambda topic: _welcome(session, topic),
            )
            self.publications = Publications(session, self.publisher, kernel_id)
            self.shell = ShellChannel(self._context, f"ipc://{directory}/shell", interrupts)
            self.stdin = InputChannel(self._context, f"ipc://{directory}/stdin", session, interrupts)
            self.control = ControlChannel(
                self._context,
                f"ipc://{directory}/control",
                session,
                self.publisher,
                self.publications.status_topic,
                control_answers,
                interrupts,
            )
        finally:
            os.umask(umask)

    def close(self) -> None:
        """Close them all, once what was sent is delivered or the linger time is over."""
        self.control.close()
        self.shell.close()
        self.stdin.close()
        self.publisher.close()
        self._context.term()


def _welcome(session: KernelSession, topic: bytes) -> list[bytes]:
    """The message that proves to a subscriber that it is one (JEP 65)."""
    content = pack({"subscription": topic.decode("utf-8", "replace")})
    return session.frames(topic, "iopub_welcome", content, parents.NO_PARENT)
