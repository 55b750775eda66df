"""The link: connections that kerneld dials to the gateway and then serves."""

import asyncio
import hashlib
import hmac
import json
import os
import re
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

from tornado.iostream import IOStream, StreamClosedError, UnsatisfiableReadError

from kerneld.log import note
from kerneld.redial import Redial
from kerneld.server import Routes, Server

SPARES_READY = 2
SPARES_MOST = 14
SECOND_SPARE_S = 0.2
"""A gateway that takes up all its sandboxes at once has enough to do with the connection that it needs."""

_LINE_BYTES = 1024
_GREETING_S = 5
_TICK_S = 10
_TICKS_ALONE = 360
_SOCKET_BUFFER_BYTES = 1024 * 1024
_HEX_64 = re.compile(r"[0-9a-f]{64}")

Role = Literal["control", "spare"]


class _Refused(Exception):
    """The gateway did not accept us."""


class Link:
    """Keeps one control connection and a few spares.

    `on_abandoned` is called with a reason after an hour without any gateway, or when none can come back any more.
    """

    def __init__(
        self, address: str, routes: Routes, boot: str, on_abandoned: Callable[[str], None]
    ) -> None:
        self._address = address
        self._routes = routes
        self._boot = boot
        self._on_abandoned = on_abandoned
        self._key: bytes | None = None
        self._controlled = asyncio.Event()
        self._control_closed = asyncio.Event()
        self._spares = 0
        self._unused = 0
        self._wanted = asyncio.Event()
        self._ticks_alone = 0
        self._directory = os.path.dirname(address)
        self._directory_links = os.stat(self._directory).st_nlink
        self._loop = asyncio.get_running_loop()
        self._loop.call_later(_TICK_S, self._tick)
        self._tasks = [
            self._loop.create_task(self._keep_control()),
            self._loop.create_task(self._keep_spares()),
        ]

    def close(self) -> None:
        """Dial no more."""
        for task in self._tasks:
            task.cancel()

    async def _keep_control(self) -> None:
        redial = Redial()
        while True:
            try:
                stream = await self._dial("control")
            except (OSError, StreamClosedError, TimeoutError, _Refused) as problem:
                await asyncio.sleep(redial.failed(problem))
                continue
            redial.succeeded()
            self._control_closed.clear()
            Server(self._routes, stream, _nothing, self._control_closed.set)
            self._controlled.set()
            self._wanted.set()
            await self._control_closed.wait()
            self._controlled.clear()
            note("the control connection broke")

    async def _keep_spares(self) -> None:
        redial = Redial()
        while True:
            await self._controlled.wait()
            if self._unused >= SPARES_READY or self._spares >= SPARES_MOST:
                self._wanted.clear()
                await self._wanted.wait()
                continue
            if self._unused > 0:
                await self._until_wanted(SECOND_SPARE_S)
                if not self._controlled.is_set() or self._unused == 0:
                    continue
            try:
                stream = await self._dial("spare")
            except (OSError, StreamClosedError, TimeoutError, _Refused) as problem:
                await asyncio.sleep(redial.failed(problem))
                continue
            redial.succeeded()
            self._serve_spare(stream)

    async def _until_wanted(self, seconds: float) -> None:
        self._wanted.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wanted.wait()

    def _serve_spare(self, stream: IOStream) -> None:
        unused = True

        def used() -> None:
            nonlocal unused
            if unused:
                unused = False
                self._unused -= 1
                self._wanted.set()

        def closed() -> None:
            used()
            self._spares -= 1
            self._wanted.set()

        self._spares += 1
        self._unused += 1
        Server(self._routes, stream, used, closed)

    async def _dial(self, role: Role) -> IOStream:
        """A connection on which the gateway is the client from here on."""
        connection = socket.socket(socket.AF_UNIX)
        connection.setblocking(False)
        # Otherwise a large frame takes many turns of the loop to leave.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BUFFER_BYTES)
        try:
            await self._loop.sock_connect(connection, self._address)
        except BaseException:
            connection.close()
            raise
        stream = IOStream(connection)
        try:
            async with asyncio.timeout(_GREETING_S):
                await self._greet(stream, role)
        except BaseException:
            stream.close()
            raise
        return stream

    async def _greet(self, stream: IOStream, role: Role) -> None:
        challenge = (await _line(stream)).get("challenge")
        if not isinstance(challenge, str) or not _HEX_64.fullmatch(challenge):
            raise _Refused
        proof = None
        if self._key is not None:
            signed = f"hotcell-link-1\n{role}\n{self._boot}\n{challenge}".encode()
            proof = hmac.new(self._key, signed, hashlib.sha256).hexdigest()
        hello = {"boot": self._boot, "role": role, "proof": proof}
        await stream.write(json.dumps(hello, separators=(",", ":")).encode() + b"\n")
        verdict = await _line(stream)
        key = verdict.get("key")
        if self._key is None and isinstance(key, str) and _HEX_64.fullmatch(key):
            self._key = bytes.fromhex(key)
        elif verdict.get("ok") is not True:
            raise _Refused

    def _tick(self) -> None:
        """Counted in turns of this loop: a sandbox that was frozen was not alone meanwhile."""
        self._loop.call_later(_TICK_S, self._tick)
        if self._controlled.is_set():
            self._ticks_alone = 0
            return
        self._ticks_alone += 1
        if self._ticks_alone >= _TICKS_ALONE:
            self._on_abandoned("no gateway for an hour")
        elif self._directory_deleted():
            self._on_abandoned("the link's directory was deleted")

    def _directory_deleted(self) -> bool:
        """Whether it has lost the name by which a gateway could put a socket into it. It has no directories of its own."""
        try:
            # None are left, or one by gVisor's count; some file systems have never more than one.
            return os.stat(self._directory).st_nlink < self._directory_links
        except FileNotFoundError:
            return True


def new_boot_id() -> str:
    return secrets.token_hex(16)


async def _line(stream: IOStream) -> dict[str, Any]:
    try:
        value = json.loads(await stream.read_until(b"\n", max_bytes=_LINE_BYTES))
    except (ValueError, UnsatisfiableReadError):
        raise _Refused from None
    if not isinstance(value, dict):
        raise _Refused
    return value


def _nothing() -> None:
    pass
