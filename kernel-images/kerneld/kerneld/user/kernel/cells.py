"""Running one cell in the shell."""

import asyncio
import sys
from typing import Any

from IPython.core.async_helpers import _pseudo_sync_runner

from .interrupts import Interrupts
from .shell import Shell
from .tracebacks import error_content


async def run_cell(
    shell: Shell, interrupts: Interrupts, code: str, silent: bool, store_history: bool
) -> BaseException | None:
    """Run it, on the event loop where it awaits something; the error that ended it, which the shell has shown."""
    result: Any = None
    failure = None
    try:
        with interrupts.allowed():
            try:
                cell = shell.transform_cell(code)
            except Exception:
                cell, failure = code, sys.exc_info()
        coroutine = shell.run_cell_async(
            code,
            store_history=store_history,
            silent=silent,
            transformed_cell=cell,
            preprocessing_exc_tuple=failure,
        )
        # Only what has one of these words can need the event loop, and finding out costs a compilation.
        if ("await" in cell or "async" in cell) and shell.should_run_async(
            code, transformed_cell=cell, preprocessing_exc_tuple=failure
        ):
            result = await interrupts.run(coroutine)
        else:
            with interrupts.allowed():
                result = _pseudo_sync_runner(coroutine)
    except (KeyboardInterrupt, asyncio.CancelledError) as ended:
        return ended
    finally:
        with interrupts.allowed():
            shell.events.trigger("post_execute")
            if not silent:
                shell.events.trigger("post_run_cell", result)
    return result.error_before_exec or result.error_in_exec


def reply_content(shell: Shell, error: BaseException | None) -> dict[str, Any]:
    """The content of an `execute_reply`; takes the payloads that the run has left."""
    reply: dict[str, Any] = {
        "status": "ok",
        "execution_count": shell.execution_count - 1,
        "user_expressions": {},
        "payload": shell.payload_manager.read_payload(),
    }
    shell.payload_manager.clear_payload()
    if error is not None:
        reply |= {"status": "error", **error_content(error)}
        if shell._last_traceback:
            reply["traceback"] = shell._last_traceback
    return reply
