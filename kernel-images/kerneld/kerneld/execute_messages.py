"""What is sent to a kernel to run code, and what its reply holds."""

from typing import Any

from kerneld.messages import relayed, request
from kerneld.run import Run


def execute_request(run: Run) -> list[bytes]:
    """The `execute_request` of a run, or a client's own."""
    specification = run.specification
    if run.asker is not None:
        return relayed(run.asker.take_parts())
    content = {
        "code": specification.code,
        "silent": specification.silent,
        "store_history": specification.store_history,
        "user_expressions": {},
        "allow_stdin": specification.stdin != "deny",
        "stop_on_error": specification.stop_on_error,
    }
    own = {"run": run.id, "env": specification.env, "cwd": specification.cwd}
    return request("execute_request", run.id, content, {"hotcell": own})


def asks_exit(reply: dict[str, Any]) -> bool:
    """Whether the code has asked for its kernel's end."""
    return any(
        item.get("source") == "ask_exit" and not item.get("keepkernel") for item in payload(reply)
    )


def payload(reply: dict[str, Any]) -> list[dict[str, Any]]:
    """What the reply asks its front end to do."""
    said = reply.get("payload")
    items = said if isinstance(said, list) else []
    return [item for item in items if isinstance(item, dict)]
