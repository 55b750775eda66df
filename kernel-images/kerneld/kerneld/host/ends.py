"""What connects the two sides of a sandbox in the making."""

import os
import socket
from typing import NamedTuple


class Inner(NamedTuple):
    """What the user side holds."""

    control: socket.socket
    console: int
    """The write end of its output."""
    report: int
    """The write end of a pipe for one JSON value: how its start went."""

    def close(self) -> None:
        self.control.close()
        os.close(self.console)
        os.close(self.report)


class Outer(NamedTuple):
    """What PID 1 holds."""

    control: socket.socket
    console: int
    report: int


def connect() -> tuple[Outer, Inner]:
    """Both, close-on-exec."""
    outer_control, inner_control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    console, console_write = os.pipe()
    report, report_write = os.pipe()
    return Outer(outer_control, console, report), Inner(inner_control, console_write, report_write)
