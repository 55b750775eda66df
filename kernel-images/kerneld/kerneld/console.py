"""What the user side prints outside of any run: kept for the moment when something does not start."""

import asyncio
import os

_KEPT_BYTES = 8 * 1024


class Console:
    """Drains the user side's standard output and error and keeps the end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._kept = b""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(descriptor, self._read)

    @property
    def tail(self) -> str:
        """The last 8 KiB."""
        return self._kept.decode("utf-8", "replace")

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, 64 * 1024)
        except BlockingIOError:
            return
        if data:
            self._kept = (self._kept + data)[-_KEPT_BYTES:]
        else:
            self._loop.remove_reader(self._descriptor)
