"""The zygote: clones itself for whoever connects, and tells how the clones end. It never reads what anybody writes."""

import json
import os
import select
import socket
import sys
from typing import NamedTuple

from .cgroups import is_memory_of_version_1
from .clone import clone
from .events import Listeners
from .preparation import Prepared
from .sandbox import NAMESPACES, live

_IDLE_MS = 10_000


class _Child(NamedTuple):
    pid: int
    descriptor: int
    out_of_memory: int | None
    """An eventfd that counts, where the machine's control groups can."""


class Zygote:
    """Serves two sockets until nobody has listened to it and no child has run for ten seconds."""

    def __init__(self, control: socket.socket, events: socket.socket, prepared: Prepared):
        self._control = control
        self._prepared = prepared
        self._ready = select.poll()
        self._listeners = Listeners(events, self._ready)
        self._children: dict[int, _Child] = {}
        """By both of their descriptors."""
        self._tells_out_of_memory = any(map(is_memory_of_version_1, prepared.hierarchies))
        control.setblocking(False)
        self._ready.register(control, select.POLLIN)

    def serve(self) -> None:
        """Returns when it is not needed any more."""
        while True:
            needed = self._children or self._listeners.any
            ready = self._ready.poll(None if needed else _IDLE_MS)
            if not ready and not needed:
                return
            for descriptor, _ in ready:
                if descriptor == self._control.fileno():
                    self._accept()
                elif descriptor in self._children:
                    self._look_after(self._children[descriptor], descriptor)
                else:
                    self._listeners.serve(descriptor, sorted({child.pid for child in self._children.values()}))

    def _accept(self) -> None:
        try:
            connection, _ = self._control.accept()
        except OSError:
            return
        with connection:
            event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK) if self._tells_out_of_memory else None
            try:
                cloned = clone(NAMESPACES)
            except OSError as error:
                print(f"no sandbox: {error}", file=sys.stderr, flush=True)
                if event is not None:
                    os.close(event)
                return
            if cloned.pid == 0:
                live(connection, event, self._prepared)
            self._keep(_Child(*cloned, event))
            try:
                # Not by the socket's own mode, which is the child's, too.
                connection.send(json.dumps({"pid": cloned.pid}).encode() + b"\n", socket.MSG_DONTWAIT)
            except OSError:
                # Whoever asked is gone, which its child learns, too.
                pass

    def _keep(self, child: _Child) -> None:
        for descriptor in (child.descriptor, child.out_of_memory):
            if descriptor is not None:
                self._children[descriptor] = child
                self._ready.register(descriptor, select.POLLIN)

    def _look_after(self, child: _Child, descriptor: int) -> None:
        self._tell_out_of_memory(child)
        if descriptor != child.descriptor:
            return
        _, status = os.waitpid(child.pid, 0)
        for kept in (child.descriptor, child.out_of_memory):
            if kept is not None:
                self._ready.unregister(kept)
                del self._children[kept]
                os.close(kept)
        code = os.waitstatus_to_exitcode(status)
        how = {"exit_code": code, "signal": None} if code >= 0 else {"exit_code": None, "signal": -code}
        self._listeners.tell({"pid": child.pid, **how})

    def _tell_out_of_memory(self, child: _Child) -> None:
        if child.out_of_memory is None:
            return
        try:
            os.eventfd_read(child.out_of_memory)
        except BlockingIOError:
            return
        self._listeners.tell({"pid": child.pid, "oom": True})
