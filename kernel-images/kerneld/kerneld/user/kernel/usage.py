"""What a kernel and the machine it runs on use: the content of `usage_reply`, as ipykernel gives it."""

import os
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psutil import Process


class Usage:
    """Answers again and again: processor time counts from one answer to the next, and is 0 in the first."""

    def __init__(self) -> None:
        self._processes: dict[int, Process] = {}

    def content(self) -> dict[str, Any]:
        """Of the kernel and all that it has started; `kernel_cpu` is in percent of one processor, memory in bytes."""
        # Only here: most kernels are never asked.
        import psutil

        processes = self._current()
        content: dict[str, Any] = {
            "status": "ok",
            "hostname": socket.gethostname(),
            "pid": os.getpid(),
            "kernel_cpu": sum(map(_processor_percent, processes)),
            "kernel_memory": sum(map(_memory_bytes, processes)),
        }
        host = psutil.cpu_percent()
        if host:
            content["host_cpu_percent"] = host
        content["cpu_count"] = psutil.cpu_count()
        content["host_virtual_memory"] = dict(psutil.virtual_memory()._asdict())
        return content

    def _current(self) -> list["Process"]:
        """The processes there are, as they were known before: they remember what they had used."""
        import psutil

        kernel = psutil.Process()
        try:
            found = [kernel, *kernel.children(recursive=True)]
        except psutil.Error:
            found = [kernel]
        known = self._processes
        # Equal are those of one number and one beginning: numbers are used again.
        kept = [known[one.pid] if known.get(one.pid) == one else one for one in found]
        self._processes = {one.pid: one for one in kept}
        return kept


def _processor_percent(process: "Process") -> float:
    """0 for one that has ended meanwhile."""
    import psutil

    try:
        return process.cpu_percent()
    except psutil.Error:
        return 0.0


def _memory_bytes(process: "Process") -> int:
    """Its proportional share of memory where that can be read, otherwise all that it has resident."""
    import psutil

    try:
        try:
            # On other systems, and where the kernel does not tell, there is no such field.
            return process.memory_full_info().pss
        except (psutil.AccessDenied, AttributeError):
            return process.memory_info().rss
    except psutil.Error:
        return 0
