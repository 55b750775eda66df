import { expect } from "vitest";
import type { Theme } from "./attack.js";

/** New namespaces, mounts and roots, which would bring the kernel's widest surface with them. */
export const namespaces: Theme = {
  title: "namespaces",
  attacks: [
    {
      name: "unshare each kind of namespace",
      code: `
KINDS = {"user": 0x10000000, "mount": 0x20000, "net": 0x40000000, "pid": 0x20000000, "ipc": 0x8000000,
         "uts": 0x4000000, "cgroup": 0x2000000, "time": 0x80}
report({kind: in_child(lambda: call("unshare", flag)) for kind, flag in KINDS.items()})`,
      reports: Object.fromEntries(
        ["user", "mount", "net", "pid", "ipc", "uts", "cgroup", "time"].map((kind) => [
          kind,
          "EPERM",
        ]),
      ),
    },
    {
      name: "clone into a new user namespace, the old way and the new",
      code: `
CLONE_NEWUSER, SIGCHLD = 0x10000000, 17
def old():
    number = 220 if os.uname().machine == "aarch64" else 56
    result = libc.syscall(ctypes.c_long(number), ctypes.c_long(CLONE_NEWUSER | SIGCHLD), 0, 0, 0, 0)
    if result == 0: os._exit(0)
    return "done" if result > 0 else errno.errorcode[ctypes.get_errno()]
arguments = (ctypes.c_uint64 * 11)(CLONE_NEWUSER, 0, 0, 0, SIGCHLD)
report([old(), call("clone3", arguments, ctypes.sizeof(arguments))])`,
      reports: ["EPERM", "ENOSYS"],
    },
    {
      name: "mount, unmount, and change the root, by old calls and new",
      code: `
report([call("mount", b"none", b"/tmp", b"tmpfs", 0, None), call("umount2", b"/proc", 2),
        call("mount", b"/", b"/tmp", None, 0x1000, None), call("mount", None, b"/", None, 32, None),
        call("pivot_root", b"/tmp", b"/tmp"), call("chroot", b"/tmp"), call("fsopen", b"tmpfs", 0),
        call("open_tree", -100, b"/", 1), call("move_mount", 3, b"", -100, b"/tmp", 4),
        call("mount_setattr", -100, b"/", 0, None, 0)])`,
      reports: Array(10).fill("EPERM"),
    },
    {
      name: "become somebody else, and take capabilities",
      code: `
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
every = (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6)
report([attempt(os.setuid, 0), attempt(os.setgid, 0), attempt(os.setgroups, [0]), attempt(os.setuid, os.getuid() + 1),
        call("capset", header, every), attempt(os.chown, "/tmp", 0, 0)])`,
      reports: Array(6).fill(expect.stringMatching(/^E(PERM|INVAL)$/)),
    },
    {
      name: "write to the cgroup that counts it",
      code: `
written = []
for directory, _, names in os.walk("/sys/fs/cgroup"):
    written += [name for name in names if attempt(open, f"{directory}/{name}", "r+") == "done"]
    if attempt(os.mkdir, f"{directory}/below") == "done": written.append(directory)
report(written)`,
      reports: [],
    },
  ],
};
