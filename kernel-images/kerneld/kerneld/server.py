"""HTTP/1.1 for the gateway, on connections that kerneld has dialled."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from tornado import httputil
from tornado.http1connection import HTTP1ConnectionParameters, HTTP1ServerConnection
from tornado.iostream import IOStream, StreamClosedError

from kerneld import fields
from kerneld.errors import RequestError
from kerneld.log import note

MAX_BODY_BYTES = 1024 * 1024
MAX_LARGE_BODY_BYTES = 9 * 1024 * 1024
"""Of runs and comm messages, which carry a client's code or data."""

_PARAMETERS = HTTP1ConnectionParameters(max_header_size=16 * 1024, chunk_size=256 * 1024)
_REASONS = {101: "Switching Protocols", 200: "OK", 201: "Created", 204: "No Content"}


class Answer(NamedTuple):
    """A status and, unless it is None, a JSON body."""

    status: int
    value: Any = None


class Request:
    """One request and the means to answer it."""

    def __init__(
        self,
        method: str,
        path: str,
        query: str,
        connection: httputil.HTTPConnection,
        upgrade_to: str,
        keep: Callable[[IOStream], None],
    ) -> None:
        self._connection = connection
        self._keep = keep
        self._started = False
        self.upgrade_to = upgrade_to
        """The protocol that the client wants to switch to; empty for none."""
        self.method = method
        self.segments = path.strip("/").split("/")
        self.query = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
        self.data = b""

    def body(self) -> fields.Body:
        """The JSON object in the body. Raises `RequestError`."""
        return fields.body_object(self.data)

    @property
    def started(self) -> bool:
        """Whether an answer has begun."""
        return self._started

    def answer(self, answer: Answer) -> None:
        """Answer with JSON."""
        if answer.value is None:
            self.start(answer.status, {"Content-Length": "0"} if answer.status != 204 else {})
        else:
            data = json.dumps(answer.value, separators=(",", ":")).encode()
            headers = {"Content-Type": "application/json", "Content-Length": str(len(data))}
            self.start(answer.status, headers, data)
        self.finish()

    def start(self, status: int, headers: dict[str, str], data: bytes | None = None) -> asyncio.Future[None]:
        """Begin an answer; without `Content-Length` it is chunked."""
        self._started = True
        line = httputil.ResponseStartLine("HTTP/1.1", status, _REASONS.get(status, "Error"))
        return self._connection.write_headers(line, httputil.HTTPHeaders(headers), data)

    def switch_protocols(self, protocol: str) -> IOStream:
        """Answer 101; from then on the stream is the caller's, to be closed by it."""
        connection: Any = self._connection
        self.start(101, {"Connection": "Upgrade", "Upgrade": protocol})
        connection.finish()
        stream: IOStream = connection.detach()
        self._keep(stream)
        return stream

    def write(self, data: bytes) -> asyncio.Future[None]:
        """Write a part of the body; done when the connection has taken it."""
        return self._connection.write(data)

    def finish(self) -> None:
        self._connection.finish()

    def when_closed(self, callback: Callable[[], None]) -> None:
        """Call back when the connection closes before the answer is finished."""
        connection: Any = self._connection
        connection.set_close_callback(callback)


type Handler = Callable[[Request], Answer | Awaitable[Answer | None] | None]


class Upload:
    """Takes a body in parts; a route that streams returns one."""

    async def part(self, data: bytes) -> None:
        raise NotImplementedError

    async def end(self) -> Answer:
        raise NotImplementedError

    def abandon(self) -> None:
        """The client went away."""


class Routes:
    """Handlers by method and path; `*` stands for one segment of the path."""

    def __init__(self) -> None:
        self._handlers: dict[tuple[str, ...], Handler] = {}
        self._uploads: dict[tuple[str, ...], Callable[[Request], Awaitable[Upload]]] = {}

    def add(self, method: str, path: str, handler: Handler) -> None:
        self._handlers[(method, *path.split("/"))] = handler

    def add_upload(self, method: str, path: str, begin: Callable[[Request], Awaitable[Upload]]) -> None:
        self._uploads[(method, *path.split("/"))] = begin

    def find(self, request: Request) -> Handler:
        """Raises `RequestError` when nothing is there."""
        method, segments = request.method, request.segments
        handler = self._handlers.get((method, *segments))
        if handler is None and len(segments) > 1:
            handler = self._handlers.get((method, segments[0], "*", *segments[2:]))
        if handler is None:
            raise RequestError("not_found", "there is no such resource")
        return handler

    def upload(self, request: Request) -> Callable[[Request], Awaitable[Upload]] | None:
        return self._uploads.get((request.method, *request.segments))


class _Exchange(httputil.HTTPMessageDelegate):
    """One request and its answer on one connection."""

    def __init__(
        self,
        routes: Routes,
        connection: httputil.HTTPConnection,
        on_request: Callable[[], None],
        keep: Callable[[IOStream], None],
    ) -> None:
        self._routes = routes
        self._connection: Any = connection
        self._on_request = on_request
        self._keep = keep
        self._parts: list[bytes] = []
        self._task: asyncio.Task[None] | None = None
        self._upload: Upload | None = None
        self._refused: RequestError | None = None
        self._request: Request | None = None

    def headers_received(
        self,
        start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
        headers: httputil.HTTPHeaders,
    ) -> Awaitable[None] | None:
        assert isinstance(start_line, httputil.RequestStartLine)
        self._on_request()
        path, _, query = start_line.path.partition("?")
        upgrade_to = headers.get("Upgrade", "")
        self._request = request = Request(
            start_line.method, path, query, self._connection, upgrade_to, self._keep
        )
        begin = self._routes.upload(request)
        if begin is not None:
            self._connection.set_max_body_size(2**62)
            return self._begin(request, begin)
        first, *others = request.segments
        large = first == "runs" if request.method == "PUT" else others[1:] == ["comm"]
        self._connection.set_max_body_size(MAX_LARGE_BODY_BYTES if large else MAX_BODY_BYTES)
        return None

    async def _begin(
        self, request: Request, begin: Callable[[Request], Awaitable[Upload]]
    ) -> None:
        try:
            self._upload = await begin(request)
        except RequestError as error:
            # The rest of the body is read and dropped, so that the connection stays usable.
            self._refused = error

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        if self._upload is not None:
            return self._part(self._upload, chunk)
        if self._refused is None:
            self._parts.append(chunk)
        return None

    async def _part(self, upload: Upload, chunk: bytes) -> None:
        try:
            await upload.part(chunk)
        except RequestError as error:
            self._refused = error
            self._upload = None
            upload.abandon()

    def finish(self) -> None:
        request = self._request
        assert request is not None
        if self._upload is not None:
            self._run(request, self._upload.end())
            return
        request.data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts = []
        try:
            if self._refused is not None:
                raise self._refused
            result = self._routes.find(request)(request)
        except RequestError as error:
            request.answer(_error(error))
            return
        except Exception as error:
            _internal(request, error)
            return
        if isinstance(result, Answer):
            request.answer(result)
        elif result is not None:
            self._run(request, result)

    def on_connection_close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._upload is not None:
            self._upload.abandon()
            self._upload = None

    def _run(self, request: Request, result: Awaitable[Answer | None]) -> None:
        self._task = asyncio.ensure_future(self._await(request, result))
        self._connection.set_close_callback(self.on_connection_close)

    async def _await(self, request: Request, result: Awaitable[Answer | None]) -> None:
        try:
            answer = await result
            if answer is not None:
                request.answer(answer)
        except StreamClosedError:
            pass
        except RequestError as error:
            if request.started:
                self._connection.close()
            else:
                request.answer(_error(error))
        except Exception as error:
            if request.started:
                self._connection.close()
            _internal(request, error)


class Server(httputil.HTTPServerConnectionDelegate):
    """Serves the requests of one connection until it closes; `on_request` is called as each begins."""

    def __init__(
        self,
        routes: Routes,
        stream: IOStream,
        on_request: Callable[[], None],
        on_close: Callable[[], None],
    ) -> None:
        self._routes = routes
        self._on_request = on_request
        self._on_close = on_close
        self._kept = False
        HTTP1ServerConnection(stream, _PARAMETERS).start_serving(self)

    def start_request(
        self, server_conn: object, request_conn: httputil.HTTPConnection
    ) -> httputil.HTTPMessageDelegate:
        return _Exchange(self._routes, request_conn, self._on_request, self._keep)

    def on_close(self, server_conn: object) -> None:
        if not self._kept:
            self._on_close()

    def _keep(self, stream: IOStream) -> None:
        """The connection speaks another protocol now, and is not closed before its stream is."""
        self._kept = True
        stream.set_close_callback(self._on_close)


def _error(error: RequestError) -> Answer:
    return Answer(error.status, {"code": error.code, "detail": error.detail})


def _internal(request: Request, error: Exception) -> None:
    # The type alone: the text of an error can hold what user code chose.
    note(f"{request.method} /{request.segments[0]} failed: {type(error).__name__}")
    if not request.started:
        request.answer(Answer(500, {"code": "internal_error", "detail": type(error).__name__}))
