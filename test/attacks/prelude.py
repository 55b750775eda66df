"""What the attacks are written with: each runs below this text."""

import ctypes
import errno
import hashlib
import json
import os

scene = json.loads(SCENE)
"""What an attacker may have found out about the machine and its other sandboxes."""

libc = ctypes.CDLL(None, use_errno=True)


def attempt(action, *arguments, **named):
    """`done`, or the name of the error number."""
    try:
        action(*arguments, **named)
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
    return "done"


def call(name, *arguments):
    """A system call by its name (x86-64 and aarch64): `done`, or the name of the error number."""
    ctypes.set_errno(0)
    numbers = [ctypes.c_long(n) if isinstance(n, int) else n for n in arguments]
    result = libc.syscall(ctypes.c_long(NUMBERS[name][os.uname().machine == "aarch64"]), *numbers)
    return "done" if result >= 0 else errno.errorcode[ctypes.get_errno()]


def in_child(action):
    """What `action` returns in a child of its own; the signal's number, negative, that ended it before that."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write_end, json.dumps(action()).encode())
        finally:
            os._exit(0)
    os.close(write_end)
    with open(read_end) as answer:
        text = answer.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return json.loads(text) if text else status


def secret(of, value):
    """A secret as `scene["secrets"]` has them: known by its beginning and its digest, and not named."""
    digest = hashlib.sha256(value).hexdigest()
    return {"of": of, "head": value[:5].hex(), "length": len(value), "sha256": digest}


def secrets_in(content, secrets):
    """Which of the secrets are somewhere in bytes."""
    for known in secrets:
        head, start = bytes.fromhex(known["head"]), -1
        while (start := content.find(head, start + 1)) >= 0:
            found = content[start : start + known["length"]]
            if hashlib.sha256(found).hexdigest() == known["sha256"]:
                yield known["of"]
                break


def memory_of(pid):
    """What the writable parts of a process' memory hold, as far as it can be read."""
    try:
        with open(f"/proc/{pid}/maps") as file:
            lines = file.read().splitlines()
    except OSError:
        return
    for line in lines:
        span, rights = line.split()[:2]
        if not rights.startswith("rw"):
            continue
        low, high = (int(end, 16) for end in span.split("-"))
        try:
            with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
                memory.seek(low)
                content = memory.read(high - low)
        except (OSError, OverflowError):
            # gVisor has no such file. One's own memory is there without.
            content = ctypes.string_at(low, high - low) if pid == os.getpid() else None
        if content:
            yield content


def report(value):
    print("\n@" + json.dumps(value), flush=True)


NUMBERS = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "kcmp": (312, 272), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "unshare": (272, 97), "setns": (308, 268), "clone3": (435, 435), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429),
    "fsopen": (430, 430), "fsmount": (432, 432), "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "memfd_secret": (447, 447), "io_uring_setup": (425, 425),
    "fanotify_init": (300, 262), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266),
    "sethostname": (170, 161), "setdomainname": (171, 162), "syslog": (103, 116),
    "madvise": (28, 233), "ioctl": (16, 29), "prctl": (157, 167), "prlimit64": (302, 261),
    "sched_setaffinity": (203, 122), "getpid": (39, 172), "setuid": (105, 146), "capset": (126, 91),
    "mq_open": (240, 180),
}
