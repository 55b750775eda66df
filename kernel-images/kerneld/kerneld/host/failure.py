"""Why no zygote, or no sandbox, can be made: with a code that the gateway knows."""

import errno
import os
from typing import Any


class Failure(Exception):
    """`code` is one of those in PROTOCOL.md section 6; `detail` is for people."""

    def __init__(self, code: str, detail: str):
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail

    def as_answer(self) -> dict[str, Any]:
        return {"ok": False, "code": self.code, "detail": self.detail}


def no_user_namespace(error: OSError) -> Failure:
    """From what the making of a user namespace met with."""
    limit = "user.max_user_namespaces is exhausted" if error.errno == errno.ENOSPC else None
    reason = limit or os.strerror(error.errno or errno.EPERM)
    return Failure(
        "user_namespaces_forbidden",
        f"the kernel makes no user namespace: {reason}; see the settings user.max_user_namespaces, "
        "kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns",
    )


def no_proc(error: OSError) -> Failure:
    """From what mounting /proc met with."""
    return Failure(
        "proc_masked",
        f"the kernel mounts no new /proc: {error.strerror}; parts of the visible one are covered, as in a container "
        "that masks them",
    )
