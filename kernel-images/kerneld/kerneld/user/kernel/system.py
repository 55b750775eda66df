"""`os.system` as a program's wait that SIGINT ends.

The C library's ignores SIGINT in the whole process meanwhile, so that no interrupt would reach a loop of programs, nor
what other threads do.
"""

import os
import subprocess
import sys
from typing import Any


def replace_system() -> None:
    """Put `system` in the place of `os.system`."""
    os.system = system


def system(command: Any) -> int:
    """Run `command` in a shell; the wait status of the shell, -1 where none could be started."""
    command = os.fsencode(command)
    sys.audit("os.system", command)
    try:
        code = subprocess.call(
            command, shell=True, executable="/bin/sh", close_fds=False, restore_signals=False
        )
    except OSError:
        return -1
    return code << 8 if code >= 0 else -code
