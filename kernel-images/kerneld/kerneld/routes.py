"""What kerneld serves: PROTOCOL.md section 2, resource by resource."""

import os
from collections.abc import Awaitable, Callable

from kerneld import fields
from kerneld.artifacts import Artifacts
from kerneld.errors import RequestError
from kerneld.file_routes import add_file_routes
from kerneld.jupyter.hub import Hub
from kerneld.kernel import Kernel, KernelOptions
from kerneld.kernels import Kernels, state_of
from kerneld.reader import Filter, Reader
from kerneld.run import now
from kerneld.runs import Runs
from kerneld.server import Answer, Request, Routes
from kerneld.services import Services
from kerneld.shell_reply import fit_reply

_SHELL_REQUESTS = (
    "complete_request",
    "inspect_request",
    "is_complete_request",
    "history_request",
    "kernel_info_request",
    "comm_info_request",
)
_COMM_MESSAGES = ("comm_open", "comm_msg", "comm_close")
_MAX_BUFFERS = 256
_CHUNK_BYTES = 256 * 1024

type Handler = Callable[[Request], Answer | Awaitable[Answer | None] | None]


def make_routes(boot: str, services: Services, kernels: Kernels, runs: Runs) -> Routes:
    """All routes of a sandbox."""
    routes = Routes()

    async def assign(request: Request) -> Answer:
        try:
            await kernels.assign(request.body())
        except* RequestError as group:
            raise _first(group) from None
        return Answer(200, state_of(kernels, services, boot))

    def state(request: Request) -> Answer:
        content = state_of(kernels, services, boot)
        if request.query.get("runs") == "1":
            content["runs"] = [run.as_object() for run in runs.newest_first()]
        return Answer(200, content)

    routes.add("POST", "ping", lambda _: Answer(200, {"boot": boot, "now": now()}))
    routes.add("GET", "state", state)
    routes.add("POST", "assign", assign)
    routes.add("GET", "journal", lambda request: _read_journal(request, services, kernels, runs))

    def add(method: str, path: str, handler: Handler) -> None:
        def assigned(request: Request) -> Answer | Awaitable[Answer | None] | None:
            if not kernels.assigned:
                raise RequestError("not_assigned", "the sandbox has no session yet")
            return handler(request)

        routes.add(method, path, assigned)

    _add_run_routes(add, kernels, runs)
    _add_kernel_routes(add, kernels)
    add("GET", "kernels/*/cells", lambda request: _read_cells(request, services, kernels))
    add("GET", "channels", Hub(kernels, runs).serve)
    add("GET", "artifacts/*", lambda request: _read_artifact(request, services.artifacts))
    add_file_routes(routes, add, services.zygote, lambda: kernels.assigned)
    return routes


def _add_run_routes(add: Callable[[str, str, Handler], None], kernels: Kernels, runs: Runs) -> None:
    def put(request: Request) -> Answer:
        identifier = fields.run_id(request.segments[1])
        run, new = runs.put(identifier, request.body(), kernels)
        return Answer(201 if new else 200, run.as_object())

    def interrupt(request: Request) -> Answer:
        run = runs.get(request.segments[1])
        if run.state == "finished":
            raise RequestError("execution_finished", "the run is over")
        kernels.get(run.specification.kernel).interrupt_run(run)
        return Answer(204)

    def answer_input(request: Request) -> Answer:
        run = runs.get(request.segments[1])
        body = request.body()
        value = fields.text(body, "value")
        n = None if body.get("n") is None else fields.integer(body, "n", 1)
        if run.state == "finished":
            raise RequestError("execution_finished", "the run is over")
        if not kernels.get(run.specification.kernel).answer(run, value, n):
            waits = "for input" if n is None else f"for an answer to {n}"
            raise RequestError("not_waiting_for_input", f"the run does not wait {waits}")
        return Answer(204)

    def cancel(request: Request) -> Answer:
        run = runs.get(request.segments[1])
        if run.state != "finished":
            kernels.get(run.specification.kernel).cancel_run(run)
        return Answer(200, run.as_object())

    add("PUT", "runs/*", put)
    add("GET", "runs", lambda _: Answer(200, {"runs": [run.as_object() for run in runs.newest_first()]}))
    add("GET", "runs/*", lambda request: Answer(200, runs.get(request.segments[1]).as_object()))
    add("POST", "runs/*/input", answer_input)
    add("POST", "runs/*/interrupt", interrupt)
    add("DELETE", "runs/*", cancel)


def _add_kernel_routes(add: Callable[[str, str, Handler], None], kernels: Kernels) -> None:
    def kernel_of(request: Request) -> Kernel:
        return kernels.get(request.segments[1])

    async def create(request: Request) -> Answer:
        body = request.body()
        fields.only(body, ("id", "language", "name", "cwd", "env"))
        options = KernelOptions(
            fields.kernel_id(body, "id"),
            fields.text(body, "language"),
            fields.text_or_null(body, "name") or "",
            fields.text_or_null(body, "cwd"),
            fields.environment(body, "env"),
        )
        return Answer(201, (await kernels.create(options)).as_object())

    async def remove(request: Request) -> Answer:
        await kernels.remove(request.segments[1])
        return Answer(204)

    def interrupt(request: Request) -> Answer:
        kernel_of(request).interrupt()
        return Answer(204)

    async def restart(request: Request) -> Answer:
        kernel = kernel_of(request)
        await kernel.restart()
        return Answer(200, kernel.as_object())

    async def relay(request: Request) -> Answer:
        body = request.body()
        msg_type = fields.one_of(body, "msg_type", _SHELL_REQUESTS)
        content = fields.json_object(body, "content")
        timeout_s = fields.seconds(body, "timeout_s", positive=True)
        reply_type, reply = await kernel_of(request).request(msg_type, content, timeout_s)
        return Answer(200, {"msg_type": reply_type, "content": fit_reply(reply_type, reply)})

    def comm(request: Request) -> Answer:
        body = request.body()
        fields.only(body, ("msg_type", "content", "metadata", "buffers"))
        msg_type = fields.one_of(body, "msg_type", _COMM_MESSAGES)
        content, metadata = fields.json_object(body, "content"), fields.json_object(body, "metadata")
        buffers = fields.binaries(body, "buffers", _MAX_BUFFERS)
        kernel_of(request).comm(msg_type, content, metadata, buffers)
        return Answer(204)

    add("POST", "kernels", create)
    add("GET", "kernels", lambda _: Answer(200, {"kernels": [k.as_object() for k in kernels.all()]}))
    add("GET", "kernels/*", lambda request: Answer(200, kernel_of(request).as_object()))
    add("DELETE", "kernels/*", remove)
    add("POST", "kernels/*/interrupt", interrupt)
    add("POST", "kernels/*/restart", restart)
    add("POST", "kernels/*/request", relay)
    add("POST", "kernels/*/comm", comm)


def _read_journal(request: Request, services: Services, kernels: Kernels, runs: Runs) -> None:
    query = request.query
    run = runs.get(query["run"]) if "run" in query else None
    kernel = kernels.get(query["kernel"]) if "kernel" in query else None
    after = fields.natural(query, "after", 0)
    wanted = Filter(
        run.ordinal if run else 0,
        kernel.ordinal if kernel else 0,
        (run.first_n or services.journal.last_n + 1) if run else 1,
        (lambda: run.end) if run else lambda: None,
    )
    journal = services.journal
    follow = query.get("follow") == "1"
    # The headers leave at once, so that a reader knows that it follows before there is anything to read.
    request.start(200, {"Content-Type": "application/x-hotcell-journal"})
    reader = Reader(journal, after, wanted, follow, request.write, request.finish)

    def closed() -> None:
        reader.close()
        journal.leave(reader)

    request.when_closed(closed)
    if follow:
        journal.follow(reader)
    reader.pump()


async def _read_cells(request: Request, services: Services, kernels: Kernels) -> None:
    frames = list(services.transcript.frames(kernels.get(request.segments[1]).options.id))
    headers = {"Content-Type": "application/x-hotcell-cells", "Content-Length": str(sum(map(len, frames)))}
    await request.start(200, headers)
    for frame in frames:
        await request.write(frame)
    request.finish()


async def _read_artifact(request: Request, artifacts: Artifacts) -> None:
    found = artifacts.open(request.segments[1])
    if found is None:
        raise RequestError("artifact_not_found", "there is no such artifact")
    artifact, descriptor = found
    try:
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(artifact.size)}
        await request.start(200, headers)
        while data := os.read(descriptor, _CHUNK_BYTES):
            await request.write(data)
        request.finish()
    finally:
        os.close(descriptor)


def _first(group: BaseExceptionGroup[RequestError]) -> RequestError:
    error = group.exceptions[0]
    return error if isinstance(error, RequestError) else _first(error)
