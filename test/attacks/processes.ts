import type { Theme } from "./attack.js";

/** Processes of the host and of other sandboxes: seen, signalled, read. */
export const processes: Theme = {
  title: "processes",
  attacks: [
    {
      name: "find processes that are not the sandbox's own",
      code: `
import glob
lines = [open(path, "rb").read() for path in glob.glob("/proc/[0-9]*/cmdline") if os.access(path, os.R_OK)]
words = (scene["mark"].encode(), b"dockerd", b"containerd", b"vitest", b"dist/main.js")
report([len(lines) < 20, [word.decode() for word in words if any(word in line for line in lines)]])`,
      reports: [true, []],
    },
    {
      name: "signal the gateway, and every number up to the machine's highest",
      code: `
own = {int(name) for name in os.listdir("/proc") if name.isdecimal()}
answers = {attempt(os.kill, pid, 0) for pid in range(1, 70000) if pid not in own}
# Numbers that are threads of our own can be signalled, too.
threads = {int(name) for pid in own for name in (os.listdir(f"/proc/{pid}/task") if os.path.isdir(f"/proc/{pid}/task") else [])}
hit = [pid for pid in range(2, 70000) if pid not in own | threads and attempt(os.kill, pid, 0) != "ESRCH"]
report([hit, attempt(os.kill, scene["gateway_pid"], 0) if scene["gateway_pid"] not in own | threads else "ESRCH"])`,
      reports: [[], "ESRCH"],
    },
    {
      name: "read and write another process through the kernel",
      code: `
class Span(ctypes.Structure): _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))
buffer = ctypes.create_string_buffer(64)
span = Span(ctypes.addressof(buffer), 64)
PTRACE_ATTACH, PTRACE_SEIZE = 16, 0x4206
report([call("ptrace", PTRACE_ATTACH, os.getppid(), 0, 0), call("ptrace", PTRACE_SEIZE, 1, 0, 0),
        call("process_vm_readv", os.getppid(), ctypes.byref(span), 1, ctypes.byref(span), 1, 0),
        call("process_vm_writev", os.getppid(), ctypes.byref(span), 1, ctypes.byref(span), 1, 0),
        call("kcmp", os.getpid(), os.getppid(), 0, 0, 0)])`,
      reports: ["EPERM", "EPERM", "EPERM", "EPERM", "EPERM"],
    },
    {
      name: "take a descriptor out of another process",
      code: `
PIDFD = 3
report(call("pidfd_getfd", PIDFD, 0, 0))`,
      reports: "EPERM",
    },
    {
      name: "reach other network, mount and user namespaces by what /proc shows of them",
      code: `
reached = []
for pid in [name for name in os.listdir("/proc") if name.isdecimal()]:
    for kind in ("mnt", "net", "user", "pid", "ipc"):
        try: descriptor = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
        except OSError: continue
        if call("setns", descriptor, 0) == "done": reached.append([pid, kind])
        os.close(descriptor)
report(reached)`,
      reports: [],
    },
    {
      name: "name the processes of the gateway and of a neighbour by their numbers on the machine",
      code: `
own = {int(name) for name in os.listdir("/proc") if name.isdecimal()}
seen = []
for pid in (scene["gateway_pid"], scene["neighbour_pid"]):
    if pid in own: continue
    seen += [attempt(os.kill, pid, 0), attempt(os.sched_getaffinity, pid), attempt(open, f"/proc/{pid}/environ")]
report(sorted(set(seen) - {"ESRCH", "ENOENT"}))`,
      reports: [],
    },
  ],
};
