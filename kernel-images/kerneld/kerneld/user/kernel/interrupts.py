"""SIGINT: it ends what a request runs, and is ignored at every other time."""

import asyncio
import signal
import types
from collections.abc import Coroutine, Generator, Iterator
from contextlib import contextmanager
from typing import Any

from . import parents


class Interrupts:
    """Turns SIGINT into `KeyboardInterrupt` where user code is on the stack or awaits something."""

    def __init__(self) -> None:
        self._allowed = False
        self._task: asyncio.Task[Any] | None = None
        self._cancelling = False

    def install(self) -> None:
        """Take the signal, again where user code took it meanwhile; in the main thread."""
        signal.signal(signal.SIGINT, self._interrupt)

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """While this holds, SIGINT raises `KeyboardInterrupt`, by the end of it at the latest."""
        self._allowed = True
        try:
            yield
        finally:
            self._allowed = False

    async def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Await `coroutine`, so that SIGINT raises in it also while the event loop waits."""
        self._cancelling = False
        self._task = asyncio.ensure_future(self._driven(coroutine))
        try:
            with self.allowed():
                return await self._task
        finally:
            self._task = None

    def _interrupt(self, *_: object) -> None:
        if not self._allowed:
            return
        task = self._task
        # The handler runs in the context of what it interrupts: the run itself, one of its tasks, or neither.
        if task is None or parents.in_this_context() is parents.latest():
            raise KeyboardInterrupt
        self._cancelling = True
        task.get_loop().call_soon_threadsafe(task.cancel)

    @types.coroutine
    def _driven(self, coroutine: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """`coroutine`, in which a cancellation that SIGINT caused is a `KeyboardInterrupt`."""
        value: Any = None
        error: BaseException | None = None
        while True:
            try:
                awaited = coroutine.send(value) if error is None else coroutine.throw(error)
            except StopIteration as stop:
                return stop.value
            value, error = None, None
            try:
                value = yield awaited
            except asyncio.CancelledError as cancelled:
                error = cancelled
                if self._cancelling and self._task is not None:
                    self._cancelling = False
                    self._task.uncancel()
                    error = KeyboardInterrupt()
            except BaseException as thrown:
                error = thrown
