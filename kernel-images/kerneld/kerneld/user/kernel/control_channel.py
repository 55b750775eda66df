"""The control channel: answered on a thread of its own, also while user code computes."""

import os
import select
import signal
import threading
from collections.abc import Callable
from typing import Any

import zmq

from . import parents
from .interrupts import Interrupts
from .iopub import Publisher
from .packing import pack
from .parents import Parent
from .session import KernelSession, next_message

Answer = Callable[[dict[str, Any]], dict[str, Any]]


class ControlChannel:
    """A ROUTER socket, the reader of iopub's subscriptions, and who repeats interrupts that were not heard."""

    def __init__(
        self,
        context: zmq.Context[Any],
        address: str,
        session: KernelSession,
        publisher: Publisher,
        status_topic: bytes,
        answers: dict[str, Answer],
        interrupts: Interrupts,
    ):
        """`answers` makes the content of the reply to each message type from the content of the request."""
        self._socket = context.socket(zmq.ROUTER)
        self._socket.set(zmq.LINGER, 1000)
        self._socket.set(zmq.ROUTER_HANDOVER, 1)
        self._socket.bind(address)
        self._session = session
        self._publisher = publisher
        self._status_topic = status_topic
        self._answers = answers
        self._interrupts = interrupts
        self._wakeup = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="hotcell-control", daemon=True)

    def start(self) -> None:
        """Start answering."""
        self._thread.start()

    def close(self) -> None:
        """Stop; replies that were sent are still delivered within the linger time."""
        self._closing = True
        os.eventfd_write(self._wakeup, 1)
        self._thread.join()

    def _serve(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        ready = select.poll()
        for descriptor in (self._socket.get(zmq.FD), self._publisher.descriptor, self._wakeup):
            ready.register(descriptor, select.POLLIN)
        while not self._closing:
            # Until there is nothing left: the descriptors tell of changes only.
            while (request := next_message(self._socket)) is not None:
                self._answer(request)
            self._publisher.read_subscriptions()
            again_s = self._interrupts.insist()
            # While one waits to be repeated, its descriptor is readable all the time.
            ready.register(self._interrupts.descriptor, select.POLLIN if again_s is None else 0)
            ready.poll(None if again_s is None else max(1, round(again_s * 1000)))
        self._socket.close()

    def _answer(self, request: Parent) -> None:
        parents.enter(request, latest=False)
        self._publish_status("busy", request)
        message = request.message
        answer = self._answers.get(message["msg_type"])
        if answer is not None:
            try:
                content = answer(message["content"])
            except Exception as error:
                content = {"status": "error", "ename": type(error).__name__, "evalue": str(error)}
            self._session.send(
                self._socket,
                message["msg_type"].removesuffix("_request") + "_reply",
                content,
                parent=message,
                ident=request.identities,
            )
        self._publish_status("idle", request)

    def _publish_status(self, state: str, request: Parent) -> None:
        """Say it where there is room: an interrupt must get through to a run that waits for its reader."""
        content = pack({"execution_state": state})
        frames = self._session.frames(self._status_topic, "status", content, request)
        self._publisher.offer_multipart(frames)
