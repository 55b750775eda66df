"""Which request an output belongs to: the one that its thread or task was started in."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, ContextVar
from functools import wraps
from typing import Any

from .packing import pack


class Parent:
    """A request, as the parent of the messages it causes."""

    __slots__ = ("header", "identities", "message", "packed")

    def __init__(self, message: dict[str, Any], identities: list[bytes], packed: bytes | None = None):
        """`packed` is the header's JSON where it is at hand."""
        self.message = message
        self.header: dict[str, Any] = message.get("header") or {}
        self.identities = identities
        self.packed = pack(self.header) if packed is None else packed


NO_PARENT = Parent({}, [], b"{}")

_current: ContextVar[Parent | None] = ContextVar("parent", default=None)
_latest = NO_PARENT

in_this_context: Callable[[], Parent | None] = _current.get
"""The parent of the running thread or task; none where nothing that ran in a request started it."""


def in_context(context: Context) -> Parent | None:
    """The same for what will run in `context`."""
    return context.get(_current)


def current() -> Parent:
    """The parent for what is said here and now, in case of doubt the latest request."""
    return _current.get() or _latest


def latest() -> Parent:
    """The request that runs or ran last."""
    return _latest


def enter(parent: Parent, *, latest: bool) -> None:
    """Make `parent` that of the calling thread or task, and with `latest` of all that has none."""
    global _latest
    _current.set(parent)
    if latest:
        _latest = parent


def follow_threads() -> None:
    """Have threads and executors' work keep the parent of whoever started them, as asyncio's tasks do by themselves."""
    thread = threading.Thread
    start, bootstrap, submit = thread.start, thread._bootstrap_inner, ThreadPoolExecutor.submit  # type: ignore[attr-defined]

    @wraps(start)
    def start_with_parent(self: Any) -> None:
        self._hotcell_parent = _current.get()
        start(self)

    @wraps(bootstrap)
    def bootstrap_with_parent(self: Any) -> None:
        _current.set(getattr(self, "_hotcell_parent", None))
        bootstrap(self)

    @wraps(submit)
    def submit_with_parent(self: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        return submit(self, _Call(fn, _current.get()), *args, **kwargs)

    thread.start = start_with_parent  # type: ignore[method-assign]
    thread._bootstrap_inner = bootstrap_with_parent  # type: ignore[attr-defined]
    ThreadPoolExecutor.submit = submit_with_parent  # type: ignore[method-assign]


class _Call:
    """A function that runs with a given parent on a thread that outlives many of them."""

    __slots__ = ("function", "parent")

    def __init__(self, function: Callable[..., Any], parent: Parent | None):
        self.function = function
        self.parent = parent

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        token = _current.set(self.parent)
        try:
            return self.function(*args, **kwargs)
        finally:
            _current.reset(token)
