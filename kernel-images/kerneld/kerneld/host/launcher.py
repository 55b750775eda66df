"""Starts a zygote on the host: the way from the host's namespaces and files into its own."""

import ctypes
import json
import os
import platform
import socket
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from kerneld.privileges import image_environment

from . import places, root
from .configuration import Configuration, IdRange, parse
from .failure import Failure, no_user_namespace

_NAMESPACES = os.CLONE_NEWUSER | os.CLONE_NEWNS | os.CLONE_NEWNET | os.CLONE_NEWIPC | os.CLONE_NEWUTS
_BACKLOG = 128
_MOST_STATUS = 64 * 1024

_KEYCTL = {"x86_64": 250, "aarch64": 219}
_JOIN_SESSION_KEYRING = 1  # KEYCTL_JOIN_SESSION_KEYRING of <linux/keyctl.h>

_WHILE_IMPORTING = {
    # A zygote has one thread. What user code starts finds the image's value again.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    # tornado makes TLS contexts when it is imported; the certificates in them would take 8 ms and 1 MB.
    "SSL_CERT_FILE": "/dev/null",
    "SSL_CERT_DIR": "/dev/null",
}

_INTERPRETER = "/opt/hotcell/bin/python3"
_PACKAGE_PARENT = "/opt/hotcell/kerneld"


def main() -> NoReturn:
    """Launch the zygote that standard input describes, and say on standard output what came of it."""
    try:
        answer = launch(parse(sys.stdin.buffer.read()))
    except Failure as failure:
        answer = failure.as_answer()
    except Exception as error:
        answer = Failure("internal_error", repr(error)).as_answer()
    print(json.dumps(answer), flush=True)
    sys.exit(0 if answer["ok"] is True else 1)


def launch(configuration: Configuration) -> dict[str, Any]:
    """Have a zygote that is ready; raises `Failure`."""
    control = _listen(f"{configuration.sockets}/control.sock")
    events = _listen(f"{configuration.sockets}/events.sock")
    # Two pipes and no lock: the child waits for its ids, the parent for the child's namespace and later its word.
    mapped, tell_mapped = os.pipe()
    unshared, tell_unshared = os.pipe()
    status, tell_status = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(tell_mapped)
        _become_zygote(configuration, (control.detach(), events.detach(), tell_status), mapped, tell_unshared)
    for descriptor in (mapped, tell_unshared, tell_status):
        os.close(descriptor)
    if os.read(unshared, 1):
        try:
            _map_ids(pid, configuration.ids)
        except OSError as error:
            raise no_user_namespace(error) from error
        os.write(tell_mapped, b".")
    os.close(tell_mapped)
    with open(status, "rb") as file:
        line = file.read(_MOST_STATUS)
    said = json.loads(line) if line else Failure("internal_error", "the zygote ended; see its log").as_answer()
    return {"ok": True, "pid": pid, "started": _start_time(pid)} if said["ok"] is True else said


def _become_zygote(
    configuration: Configuration, descriptors: tuple[int, int, int], mapped: int, tell_unshared: int
) -> NoReturn:
    status = descriptors[2]
    try:
        try:
            os.unshare(_NAMESPACES)
        except OSError as error:
            raise no_user_namespace(error) from error
        os.write(tell_unshared, b".")
        if not os.read(mapped, 1):
            os._exit(1)
        _build(lambda: root.build(configuration, _take_root))
        socket.sethostname("sandbox")
        _leave_keyring()
        _execute(configuration, descriptors)
    except Failure as failure:
        os.write(status, json.dumps(failure.as_answer()).encode())
    except BaseException as error:
        traceback.print_exc()
        os.write(status, json.dumps(Failure("internal_error", repr(error)).as_answer()).encode())
    os._exit(1)


def _build(build: Callable[[], None]) -> None:
    try:
        build()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Failure("image_broken", str(error)) from error
    except OSError as error:
        raise Failure(
            "mount_refused", f"{error}; see the setting kernel.apparmor_restrict_unprivileged_userns"
        ) from error


def _take_root() -> None:
    """Be uid 0 of the namespace: until then host paths were opened as who one was outside."""
    try:
        os.setgroups([])
    except PermissionError:
        # With one id of one's own, groups are kept.
        pass
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def _leave_keyring() -> None:
    """Have an empty session keyring instead of the caller's; a kernel may have none at all."""
    libc = ctypes.CDLL(None, use_errno=True)
    number = ctypes.c_long(_KEYCTL[platform.machine()])
    libc.syscall(number, ctypes.c_long(_JOIN_SESSION_KEYRING), None)


def _execute(configuration: Configuration, descriptors: tuple[int, int, int]) -> NoReturn:
    # Out of the way first: those three may stand where others have to go.
    for number, descriptor in enumerate([os.dup(os.dup(os.dup(descriptor))) for descriptor in descriptors]):
        os.dup2(descriptor, places.CONTROL + number, inheritable=True)
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.closerange(places.STATUS + 1, os.sysconf("SC_OPEN_MAX"))
    os.umask(0o022)
    hierarchies = [(hierarchy.name, hierarchy.version) for hierarchy in configuration.hierarchies]
    start = f"import sys; sys.path.append({_PACKAGE_PARENT!r}); from kerneld.host.__main__ import main; main()"
    arguments = [_INTERPRETER, "-s", "-P", "-c", start, json.dumps([hierarchies, configuration.preload])]
    try:
        os.execve(_INTERPRETER, arguments, image_environment() | _WHILE_IMPORTING)
    except OSError as error:
        raise Failure("image_broken", f"{_INTERPRETER}: {error.strerror}") from error


def _listen(path: str) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX)
    if os.path.lexists(path):
        os.unlink(path)
    umask = os.umask(0o177)
    try:
        listening.bind(path)
    finally:
        os.umask(umask)
    listening.listen(_BACKLOG)
    return listening


def _map_ids(pid: int, ids: IdRange | None) -> None:
    if ids is not None:
        _write(f"/proc/{pid}/uid_map", f"0 {ids.first} {ids.length}")
        _write(f"/proc/{pid}/gid_map", f"0 {ids.first} {ids.length}")
        return
    _write(f"/proc/{pid}/setgroups", "deny")
    _write(f"/proc/{pid}/uid_map", f"0 {os.getuid()} 1")
    _write(f"/proc/{pid}/gid_map", f"0 {os.getgid()} 1")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _start_time(pid: int) -> int:
    with open(f"/proc/{pid}/stat", "rb") as file:
        # Field 22; the name, which is the second, may hold spaces.
        return int(file.read().rpartition(b") ")[2].split()[22 - 3])
