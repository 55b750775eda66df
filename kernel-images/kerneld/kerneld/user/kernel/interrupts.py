"""SIGINT: it ends what a request runs, and is ignored at every other time."""

import asyncio
import inspect
import signal
import threading
import types
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from typing import Any

from . import parents


class Interrupts:
    """Turns SIGINT into `KeyboardInterrupt` where user code is on the stack or awaits something."""

    def __init__(self) -> None:
        self._allowed = False
        self._task: asyncio.Task[Any] | None = None
        self._cancelling = False
        self._main_thread = threading.get_ident()
        self._held = 0
        self._pending = False
        self._taken = 0
        self._hold = _Hold(self._hold_back, self._let_through)

    def install(self) -> None:
        """Take the signal, again where user code took it meanwhile; in the main thread."""
        self._main_thread = threading.get_ident()
        signal.signal(signal.SIGINT, self._interrupt)

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """While this holds, SIGINT raises `KeyboardInterrupt`, by the end of it at the latest."""
        self._allowed = True
        try:
            yield
        finally:
            self._allowed = False

    @contextmanager
    def passed_on(self) -> Iterator[None]:
        """What catches `KeyboardInterrupt` in here, and goes on, has it raised all the same when this is left."""
        before = self._taken
        try:
            yield
        finally:
            if self._taken != before and threading.get_ident() == self._main_thread:
                raise KeyboardInterrupt from None

    def held(self) -> "_Hold":
        """While this holds, SIGINT waits: a message that is half sent must be sent whole."""
        return self._hold

    def _hold_back(self) -> None:
        if threading.get_ident() == self._main_thread:
            self._held += 1

    def _let_through(self) -> None:
        if threading.get_ident() == self._main_thread:
            self._held -= 1
            if self._pending and not self._held:
                self._pending = False
                self._interrupt()

    async def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Await `coroutine`, so that SIGINT raises in it also while the event loop waits."""
        self._cancelling = False
        self._task = asyncio.ensure_future(self._cleared(coroutine))
        try:
            with self.allowed():
                return await self._task
        except asyncio.CancelledError:
            if self._cancelling:
                raise KeyboardInterrupt from None  # It had not begun yet.
            raise
        finally:
            self._task = None
            coroutine.close()

    def _interrupt(self, *_: object) -> None:
        if self._held:
            self._pending = True
            return
        if not self._allowed:
            return
        self._taken += 1
        task = self._task
        # The handler runs in the context of what it interrupts: the run itself, one of its tasks, or neither.
        if task is None or parents.in_this_context() is parents.latest():
            raise KeyboardInterrupt
        # At once, for what comes next on the loop may never give it back; then wake the loop if it waits.
        self._cancelling = True
        task.cancel()
        task.get_loop().call_soon_threadsafe(_nothing)

    async def _cleared(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """`coroutine`, which leaves nothing behind that might take the event loop for ever when SIGINT has ended it."""
        before = self._taken
        try:
            return await self._driven(coroutine)
        finally:
            if self._taken != before:
                _cancel_unbegun()

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


def _cancel_unbegun() -> None:
    """Cancel the latest request's tasks that have not begun: once they have, they may never give the loop back."""
    for task in asyncio.all_tasks():
        coroutine = task.get_coro()
        if (
            parents.in_context(task.get_context()) is parents.latest()
            and isinstance(coroutine, types.CoroutineType)
            and inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED
        ):
            task.cancel()


def _nothing() -> None:
    """What wakes an event loop."""


class _Hold:
    """Calls one function when it is entered and one when it is left. Without contextlib, whose frames would be seen."""

    __slots__ = ("_enter", "_leave")

    def __init__(self, enter: Callable[[], None], leave: Callable[[], None]):
        self._enter = enter
        self._leave = leave

    def __enter__(self) -> None:
        self._enter()

    def __exit__(self, *_: object) -> None:
        self._leave()
