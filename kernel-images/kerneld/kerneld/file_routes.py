"""Files of the workspace, by way of the file worker."""

from collections.abc import Awaitable, Callable
from typing import Any

from kerneld import fields
from kerneld.errors import RequestError
from kerneld.file_worker import FileWorker, digits, size
from kerneld.server import Answer, Request, Routes, Upload
from kerneld.zygote import Zygote

_KINDS = ("file", "directory", "other")
_MAX_ENTRIES = 10_000
_MAX_DEPTH = 32

type Handler = Callable[[Request], Answer | Awaitable[Answer | None] | None]


def add_file_routes(
    routes: Routes,
    add: Callable[[str, str, Handler], None],
    zygote: Zygote,
    assigned: Callable[[], bool],
) -> None:
    """`/files` and what is below it."""

    async def read(request: Request) -> None:
        length = fields.natural(request.query, "length", 0) if "length" in request.query else None
        command = {
            "op": "read",
            "path": _path(request),
            "offset": fields.natural(request.query, "offset", 0),
            "length": length,
        }
        async with FileWorker(zygote) as worker:
            answer = await worker.ask(command)
            rest = size(answer, "length")
            headers = {
                "Content-Type": "application/octet-stream",
                "Content-Length": str(rest),
                "X-File-Size": str(size(answer, "size")),
                "X-File-Mtime-Ns": digits(answer, "mtime_ns"),
                "X-File-Inode": digits(answer, "inode"),
            }
            await request.start(200, headers)
            while rest:
                data = await worker.receive(rest)
                rest -= len(data)
                await request.write(data)
            request.finish()

    async def stat(request: Request) -> Answer:
        answer = await _ask(zygote, {"op": "stat", "path": _path(request)})
        return Answer(200, {**_described(answer), "inode": digits(answer, "inode")})

    async def list_directory(request: Request) -> Answer:
        depth = fields.natural(request.query, "depth", 1)
        if not 1 <= depth <= _MAX_DEPTH:
            raise RequestError("invalid_request", f"depth must be from 1 to {_MAX_DEPTH}")
        answer = await _ask(zygote, {"op": "list", "path": _path(request), "depth": depth})
        entries = answer.get("entries")
        if not isinstance(entries, list) or len(entries) > _MAX_ENTRIES:
            raise RequestError("internal_error", "the file worker's list is invalid")
        return Answer(
            200,
            {
                "entries": [_entry(entry) for entry in entries],
                "truncated": answer.get("truncated") is True,
            },
        )

    async def delete(request: Request) -> Answer:
        await _ask(zygote, {"op": "delete", "path": _path(request)})
        return Answer(204)

    async def begin(request: Request) -> Upload:
        if not assigned():
            raise RequestError("not_assigned", "the sandbox has no session yet")
        path = _path(request)
        worker = FileWorker(zygote)
        await worker.open()
        try:
            await worker.ask({"op": "write", "path": path})
        except BaseException:
            worker.close()
            raise
        return _Write(worker)

    add("GET", "files", read)
    add("GET", "files/stat", stat)
    add("GET", "files/list", list_directory)
    add("DELETE", "files", delete)
    routes.add_upload("PUT", "files", begin)


class _Write(Upload):
    """A body on its way into a file."""

    def __init__(self, worker: FileWorker) -> None:
        self._worker = worker

    async def part(self, data: bytes) -> None:
        await self._worker.send_chunk(data)

    async def end(self) -> Answer:
        try:
            await self._worker.send_chunk(b"")
            answer = await self._worker.answer()
            return Answer(201 if answer.get("created") is True else 204)
        finally:
            self._worker.close()

    def abandon(self) -> None:
        self._worker.close()


async def _ask(zygote: Zygote, command: dict[str, Any]) -> dict[str, Any]:
    async with FileWorker(zygote) as worker:
        return await worker.ask(command)


def _path(request: Request) -> str:
    path = fields.text({"path": request.query.get("path")}, "path")
    if len(path.encode()) > 4096 or "\0" in path:
        raise RequestError("invalid_path", "the path is too long or holds a NUL")
    return path


def _described(answer: dict[str, Any]) -> dict[str, Any]:
    kind = answer.get("kind")
    if kind not in _KINDS:
        raise RequestError("internal_error", "the file worker's answer is invalid")
    return {"kind": kind, "size": size(answer, "size"), "mtime_ns": digits(answer, "mtime_ns")}


def _entry(entry: object) -> dict[str, Any]:
    path = entry.get("path") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(path, str) or len(path) > 4096:
        raise RequestError("internal_error", "the file worker's list is invalid")
    return {"path": path.encode("utf-8", "replace").decode(), **_described(entry)}
