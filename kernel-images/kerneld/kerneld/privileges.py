"""The two sides of a sandbox: PID 1 parts from user code before it has read a byte from anywhere."""

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from kerneld import capabilities
from kerneld.prctl import SET_DUMPABLE, SET_KEEPCAPS, SET_NO_NEW_PRIVS, prctl

IMAGE_FILE = Path("/opt/hotcell/image.json")
"""The image's definition, of which `{"env": {name: value}, "preload": [module]}` matter here; may be absent."""

CONTROL_DESCRIPTOR = 3
"""Where the zygote finds its end of the control pair."""

_INHERITED = ("PATH", "LANG", "LANGUAGE", "LC_ALL", "TZ", "HOME", "MPLBACKEND", "PLOTLY_RENDERER")
_FALLBACKS = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/workspace"}

_IGNORED_SIGNALS = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGPIPE,
)


class UserSide(NamedTuple):
    """What PID 1 keeps of the user side."""

    control: socket.socket
    """Its end of the `SOCK_SEQPACKET` pair (PROTOCOL.md section 4), non-blocking, close-on-exec."""
    console: int
    """Read end, non-blocking, of the pipe that is the user side's first standard output and error."""
    zygote_pid: int
    """The zygote, a child of the caller: `os.pidfd_open` it before anything reaps."""


def split(user_uid: int, kerneld_uid: int) -> UserSide:
    """Fork the user side and take the kerneld side oneself.

    Called once, as uid 0 with SETUID, SETGID, SETPCAP and KILL, with one thread, before anything is read or opened.
    The child takes uid and gid `user_uid` without groups or capabilities and executes `kerneld.user` in a fresh
    interpreter with the image's environment. The caller comes back with uid and gid `kerneld_uid`, without groups,
    with CAP_KILL alone, non-dumpable, and with the signals ignored that would otherwise end it.

    Raises `ValueError` for ids that keep the sides apart in name only, `OSError` when a step of the caller's own is
    refused (the caller must then exit). A child that cannot start says why on the console and exits with 127.
    """
    if user_uid == kerneld_uid or min(user_uid, kerneld_uid) <= 0:
        raise ValueError("user and kerneld uid must be different and not 0")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    console, console_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become_user_side(user_uid, theirs.fileno(), console_write)
    theirs.close()
    os.close(console_write)
    ours.setblocking(False)
    os.set_blocking(console, False)
    _become_kerneld_side(kerneld_uid)
    return UserSide(ours, console, pid)


def image_environment() -> dict[str, str]:
    """The environment user code starts from: the image's own, or a minimal set taken from the caller's."""
    definition = _image_definition()
    if definition is None:
        environment: dict[str, object] = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    else:
        environment = definition.get("env", {})
    return _FALLBACKS | {name: str(value) for name, value in environment.items()}


def image_preload() -> list[str]:
    """The modules that the image wants imported once for all kernels."""
    return [str(name) for name in (_image_definition() or {}).get("preload", [])]


def _image_definition() -> dict[str, Any] | None:
    try:
        return json.loads(IMAGE_FILE.read_bytes())
    except FileNotFoundError:
        return None


def _become_user_side(uid: int, control: int, console: int) -> NoReturn:
    try:
        os.setsid()
        null = os.open("/dev/null", os.O_RDWR)
        os.dup2(console, 2)
        # The control end may itself be one of the descriptors that are about to be replaced.
        control = os.dup(control) if control <= CONTROL_DESCRIPTOR else control
        os.dup2(null, 0)
        os.dup2(console, 1)
        os.dup2(control, CONTROL_DESCRIPTOR)
        os.closerange(CONTROL_DESCRIPTOR + 1, os.sysconf("SC_OPEN_MAX"))
        os.chdir("/")
        os.umask(0o022)
        _take_identity(uid, keep=0)
        package_parent = str(Path(__file__).resolve().parent.parent)
        start = (
            f"import sys; sys.path.append({package_parent!r}); from kerneld.user.__main__ import main; main()"
        )
        arguments = [sys.executable, "-s", "-P", "-c", start]
        os.execve(sys.executable, arguments, image_environment())
    except BaseException as error:
        os.write(2, f"the user side cannot start: {error!r}\n".encode())
    os._exit(127)


def become_unreachable() -> None:
    """Be neither read nor ended by others: PID 1 without core, environment or memory to look at, deaf to signals."""
    # Without this, equal uids inside the sandbox's engine would suffice to read keys out of /proc/1.
    prctl(SET_DUMPABLE, 0)
    for number in _IGNORED_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _become_kerneld_side(uid: int) -> None:
    _take_identity(uid, keep=1 << capabilities.KILL)
    become_unreachable()


def _take_identity(uid: int, keep: int) -> None:
    """Become `uid` for good, with the capabilities of the bit set `keep` and no way to more."""
    os.setgroups([])
    capabilities.forbid_more()
    prctl(SET_KEEPCAPS, 1 if keep else 0)
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    capabilities.set_capabilities(keep)
    prctl(SET_KEEPCAPS, 0)
    prctl(SET_NO_NEW_PRIVS, 1)
