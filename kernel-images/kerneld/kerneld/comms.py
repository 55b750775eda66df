"""Comm messages of the gateway's clients on their way to a kernel, behind the runs that were accepted before them."""

import secrets
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from kerneld.errors import RequestError
from kerneld.kernel_process import KernelProcess
from kerneld.messages import request

_LIMIT_MESSAGES = 256
_LIMIT_BYTES = 32 * 1024 * 1024


class _Waiting(NamedTuple):
    behind: int
    """The ordinal of the last run that goes before it."""
    msg_id: str
    parts: Sequence[bytes]


class Comms:
    """Gives messages to one kernel, in their order, and knows those that it has not handled yet: ZeroMQ drops what is
    over its mark, and keeps any size below that."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._unhandled: dict[str, int] = {}

    def add(
        self, msg_type: str, content: dict[str, Any], metadata: dict[str, Any], buffers: Sequence[bytes], behind: int
    ) -> None:
        """Take a message that `send` gives on. Raises `RequestError` where too many are under way."""
        msg_id = f"kerneld:{secrets.token_hex(12)}"
        try:
            parts = request(msg_type, msg_id, content, metadata, buffers)
        except RecursionError:
            raise RequestError("invalid_request", "content is nested too deeply") from None
        size = sum(map(len, parts))
        under_way = self._unhandled.values()
        if under_way and (len(under_way) >= _LIMIT_MESSAGES or sum(under_way) + size > _LIMIT_BYTES):
            raise RequestError(
                "queue_full",
                f"comm messages that wait for the kernel are limited to {_LIMIT_MESSAGES} and {_LIMIT_BYTES} bytes",
            )
        self._unhandled[msg_id] = size
        self._waiting.append(_Waiting(behind, msg_id, parts))

    def send(self, process: KernelProcess, next_run: int | None) -> None:
        """Send what no queued run stands before; `next_run` is the ordinal of the first one that waits."""
        while self._waiting and (next_run is None or self._waiting[0].behind < next_run):
            process.send_shell(self._waiting.popleft().parts)

    def handled(self, msg_id: str | None) -> None:
        """The kernel is idle after the message of that id, if it is one of these."""
        if msg_id is not None:
            self._unhandled.pop(msg_id, None)

    def clear(self) -> None:
        """The interpreter is gone: what was meant for it makes no sense in the next."""
        self._waiting.clear()
        self._unhandled.clear()
