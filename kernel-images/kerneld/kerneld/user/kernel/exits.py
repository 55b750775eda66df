"""`os._exit` that loses nothing of what was printed before it."""

import operator
import os
import threading
from typing import SupportsIndex

from .kernel import PythonKernel

_LIMIT_S = 2.0


def exit_heard_out(kernel: PythonKernel) -> None:
    """Have `os._exit` send first what the kernel's process has written; called once, in that process."""
    end = os._exit
    # A child made by vfork shares more than the number with its parent.
    own = os.getpid()

    def _exit(status: SupportsIndex) -> None:
        status = operator.index(status)
        if not kernel.forked and os.getpid() == own:
            # Whoever calls this may hold a lock that sending takes, and nothing may keep the process from ending.
            watch = threading.Timer(_LIMIT_S, end, [status])
            watch.daemon = True
            try:
                watch.start()
                kernel.send_all(_LIMIT_S)
            finally:
                end(status)
        end(status)

    os._exit = _exit  # type: ignore[assignment]
