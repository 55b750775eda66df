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
from .insistence import Insistence


class Interrupts:
    """Turns SIGINT into `KeyboardInterrupt` where user code is on the stack or awaits something."""

    def __init__(self) -> None:
        self._allowed = False
        self._task: asyncio.Task[Any] | None = None
        self._cancelling = False
        self._running = False
        self._main_thread = threading.get_ident()
        self._held = 0
        self._pending = False
        self._taken = 0
        self._hold = _Hold(self._hold_back, self._let_through)
        self._insistence = Insistence()

    def install(self) -> None:
        """Take the signal, again where user code took it meanwhile; in the main thread."""
        self._main_thread = threading.get_ident()
        signal.signal(signal.SIGINT, self._interrupt)
        self._insistence.install()

    def leave(self) -> None:
        """In a forked process: its signals are not noted here."""
        self._insistence.leave()

    @property
    def descriptor(self) -> int:
        """Readable when it is time to `insist`."""
        return self._insistence.descriptor

    def insist(self) -> float | None:
        """Repeat a SIGINT that the main thread could not hear; the seconds after which to call this again, if so."""
        return self._insistence.insist(self._interrupt)

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """While this holds, SIGINT raises `KeyboardInterrupt`, by the end of it at the latest."""
        self._allowed = True
        try:
            yield
        finally:
            self._allowed = False

    @contextmanager
    def ignored(self) -> Iterator[None]:
        """While this holds, SIGINT does nothing: what it would end is at its end."""
        before, self._allowed = self._allowed, False
        try:
            yield
        finally:
            self._allowed = before

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

    def give_up_loop(self) -> None:
        """What was raised has ended the task or callback that held the event loop: the run that waits ends, too."""
        if self._task is not None and not self._task.done():
            self._cancel(self._task)

    def _interrupt(self, _: object = None, frame: types.FrameType | None = None) -> None:
        if self._held:
            self._insistence.hear()
            self._pending = True
            return
        task = self._task
        # The handler runs in the context of what it interrupts: the run itself, one of its tasks, or neither.
        if task is None or self._running:
            holds_loop = True
        elif asyncio.current_task(task.get_loop()) is task:
            holds_loop = False
        else:
            holds_loop = parents.in_this_context() is parents.latest()
        if self._allowed and holds_loop and _is_asyncio(frame) and self._insistence.noted:
            # It would break off what leads into or out of a task, which nobody would go on with then, or stop.
            return
        self._insistence.hear()
        if not self._allowed:
            return
        self._taken += 1
        if task is None or holds_loop:
            raise KeyboardInterrupt
        self._cancel(task)

    def _cancel(self, task: asyncio.Task[Any]) -> None:
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
        """`coroutine`, in which a cancellation that SIGINT caused is a `KeyboardInterrupt`.

        Python handles signals after calls, at the beginning of functions and of a loop's rounds: so none comes between
        the look at `_cancelling` and what the coroutine does, and one that comes after it finds `_running`.
        """
        value: Any = None
        error: BaseException | None = None
        while True:
            while self._cancelling and self._task is not None:
                self._cancelling = False
                error = KeyboardInterrupt()
                self._task.uncancel()
            try:
                self._running = True
                awaited = coroutine.send(value) if error is None else coroutine.throw(error)
            except StopIteration as stop:
                return stop.value
            except KeyboardInterrupt as interrupt:
                if inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED:
                    raise
                # It came when the coroutine had just begun to wait.
                value, error = None, interrupt
                continue
            finally:
                self._running = False
            value, error = None, None
            try:
                value = yield awaited
            except BaseException as thrown:
                error = thrown


def _is_asyncio(frame: types.FrameType | None) -> bool:
    """Whether asyncio is at work there, or the sets in which it keeps its tasks."""
    if frame is None:
        return False
    package = str(frame.f_globals.get("__name__")).partition(".")[0]
    return package in ("asyncio", "_weakrefset")


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
