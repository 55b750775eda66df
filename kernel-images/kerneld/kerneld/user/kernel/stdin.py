"""The stdin channel: `input()` and `getpass()` ask the client."""

import select
import threading
from typing import Any

import zmq

from .interrupts import Interrupts
from .packing import pack
from .parents import Parent
from .session import KernelSession, next_message

END_OF_FILE = "\x04"
"""The value that stands for an end of the input."""

_RECHECK_MS = 100


class InputChannel:
    """A ROUTER socket on which one question at a time is asked."""

    def __init__(
        self,
        context: zmq.Context[Any],
        address: str,
        session: KernelSession,
        interrupts: Interrupts,
    ):
        self._socket = context.socket(zmq.ROUTER)
        self._socket.set(zmq.LINGER, 1000)
        self._socket.set(zmq.ROUTER_HANDOVER, 1)
        self._socket.bind(address)
        self._session = session
        self._interrupts = interrupts
        self._lock = threading.Lock()
        self._readable = select.poll()
        self._readable.register(self._socket.get(zmq.FD), select.POLLIN)

    def ask(self, prompt: str, password: bool, parent: Parent) -> str:
        """The answer of the client that sent `parent`; raises `EOFError`, or what interrupts the wait."""
        with self._lock:
            while next_message(self._socket) is not None:
                pass  # Answers to questions that nobody asks any more.
            question: dict[str, Any] | None = None
            try:
                with self._interrupts.held():
                    question = self._send(
                        "input_request", {"prompt": prompt, "password": password}, parent
                    )
                reply = self._answer_to(question)
            except BaseException:
                if question is not None:
                    with self._interrupts.held():
                        self._send("input_withdrawn", {"msg_id": question["msg_id"]}, parent)
                raise
            return _value(reply)

    def _send(self, msg_type: str, content: dict[str, Any], parent: Parent) -> dict[str, Any]:
        message = self._session.send(
            self._socket, msg_type, content, parent=parent.message, ident=parent.identities
        )
        assert message is not None
        return message

    def _answer_to(self, question: dict[str, Any]) -> Parent:
        while True:
            reply = next_message(self._socket)
            if reply is None:
                # Limited, for a signal that arrives just before the wait does not end it.
                self._readable.poll(_RECHECK_MS)
            elif _answers(reply, question):
                return reply

    def close(self) -> None:
        self._socket.close()


def _answers(reply: Parent, question: dict[str, Any]) -> bool:
    """Whether it is an answer, and none to an earlier question: clients need not say to which it is."""
    to = reply.message["parent_header"]
    other = to.get("msg_type") == "input_request" and to.get("msg_id") != question["msg_id"]
    return reply.message["msg_type"] == "input_reply" and not other


def _value(reply: Parent) -> str:
    value = reply.message["content"].get("value", "")
    if value == END_OF_FILE:
        raise EOFError("end of the input")
    return value if isinstance(value, str) else pack(value).decode()
