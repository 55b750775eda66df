import { expect } from "vitest";
import type { Theme } from "./attack.js";

const OTHER_NAMESPACE =
  "kerneld is in a PID namespace above; PID 1 is the user side's own first process";

/** kerneld, which says how runs ended and when they have to. */
export const supervisor: Theme = {
  title: "kerneld",
  attacks: [
    {
      name: "interrupt, stop and kill PID 1",
      code: `
import signal
report({name: attempt(os.kill, 1, getattr(signal, "SIG" + name)) for name in
    ("INT", "TERM", "HUP", "USR1", "ALRM", "PIPE", "ABRT", "SEGV", "STOP", "TSTP", "KILL")})`,
      reports: everywhere(
        ["INT", "TERM", "HUP", "USR1", "ALRM", "PIPE", "ABRT", "SEGV", "STOP", "TSTP", "KILL"],
        "EPERM",
      ),
      differs: {
        local: {
          because: `${OTHER_NAMESPACE}, which the kernel keeps from signals of its namespace`,
          reports: expect.not.objectContaining({ KILL: "EPERM" }),
        },
      },
    },
    {
      name: "name kerneld by its number on the machine",
      code: `
import resource, signal
pid = scene["kerneld_pid"]
own = {int(name) for name in os.listdir("/proc") if name.isdecimal()}
report([] if pid in own else sorted({
    attempt(os.kill, pid, signal.SIGKILL), attempt(os.setpriority, os.PRIO_PROCESS, pid, 19),
    attempt(os.sched_setaffinity, pid, {0}), attempt(open, f"/proc/{pid}/mem", "rb"),
    attempt(os.listdir, f"/proc/{pid}/fd")} - {"ESRCH", "ENOENT"}))`,
      reports: [],
    },
    {
      name: "limit PID 1",
      code: `
report([call("prlimit64", 1, limit, (ctypes.c_uint64 * 2)(10, 10), None) for limit in (0, 7, 9)])`,
      reports: ["EPERM", "EPERM", "EPERM"],
    },
    {
      name: "slow PID 1 down, bind it to one processor, have it killed first when memory runs out",
      code: `
def write(path, text):
    with open(path, "w") as file: file.write(text)
def bind():
    os.sched_setaffinity(1, {min(os.sched_getaffinity(1))})
report({"renice": attempt(os.setpriority, os.PRIO_PROCESS, 1, 19),
        "idle": attempt(os.sched_setscheduler, 1, os.SCHED_IDLE, os.sched_param(0)),
        "affinity": attempt(bind),
        "score": attempt(write, "/proc/1/oom_score_adj", "1000"),
        "timer slack": attempt(write, "/proc/1/timerslack_ns", "1000000000")})`,
      reports: everywhere(
        ["renice", "idle", "affinity", "score", "timer slack"],
        expect.stringMatching(/^E(PERM|ACCES)$/),
      ),
      differs: {
        local: {
          because: OTHER_NAMESPACE,
          reports: expect.objectContaining({ renice: "done", affinity: "done" }),
        },
        "docker-runsc": {
          because: "gVisor lets anybody do the first and the third, which change nothing there",
          reports: expect.objectContaining({ idle: "EINVAL", score: "EACCES" }),
        },
      },
    },
    {
      name: "read PID 1's environment, memory and descriptors",
      code: `
def read(path):
    with open(path, "rb", buffering=0) as file: file.read(1)
report({name: attempt(read, f"/proc/1/{name}") for name in ("environ", "maps", "mem", "auxv", "io", "syscall")}
       | {name: attempt(os.listdir, f"/proc/1/{name}") for name in ("fd", "map_files", "cwd", "root")})`,
      reports: everywhere(
        ["environ", "maps", "mem", "auxv", "io", "syscall", "fd", "map_files", "cwd", "root"],
        expect.stringMatching(/^E(PERM|ACCES)$/),
      ),
      differs: {
        local: {
          // kerneld's would be refused, whatever its uid.
          because: OTHER_NAMESPACE,
          reports: expect.objectContaining({ environ: "done", maps: "done", fd: "done" }),
        },
        "docker-runsc": {
          because: "gVisor shows what is in some of these to anybody; no secret is ever in one",
          reports: expect.objectContaining({ mem: "EACCES", io: "EACCES", root: "EACCES" }),
        },
      },
    },
    {
      name: "write to PID 1's memory, name and identity maps",
      code: `
def write(path):
    with open(path, "r+b", buffering=0) as file: file.write(b"0")
report({name: attempt(write, f"/proc/1/{name}") for name in
    ("mem", "clear_refs", "comm", "coredump_filter", "uid_map", "gid_map", "setgroups", "attr/exec")})`,
      reports: everywhere(
        [
          "mem",
          "clear_refs",
          "comm",
          "coredump_filter",
          "uid_map",
          "gid_map",
          "setgroups",
          "attr/exec",
        ],
        expect.stringMatching(/^E(PERM|ACCES|NOENT|ROFS)$/),
      ),
      differs: {
        local: {
          because: OTHER_NAMESPACE,
          reports: expect.objectContaining({ coredump_filter: "done" }),
        },
      },
    },
    {
      name: "take the user side's end of the channel to kerneld",
      code: `
zygote = os.getppid()
taken = []
for name in os.listdir(f"/proc/{zygote}/fd"):
    path = f"/proc/{zygote}/fd/{name}"
    if not os.readlink(path).startswith("socket:"): continue
    taken.append(attempt(os.open, path, os.O_RDWR))
    try: process = os.pidfd_open(zygote)
    # gVisor has none of these.
    except OSError: process = 0
    taken.append(call("pidfd_getfd", process, int(name), 0))
report([len(taken) > 0, sorted(set(taken))])`,
      reports: [true, ["ENXIO", "EPERM"]],
    },
    {
      name: "find kerneld's channel among what a kernel has inherited",
      code: `
import socket
found = []
for name in os.listdir("/proc/self/fd"):
    try:
        if not os.readlink(f"/proc/self/fd/{name}").startswith("socket:"): continue
        inherited = socket.socket(fileno=os.dup(int(name)))
    except OSError: continue
    with inherited:
        if inherited.family == socket.AF_UNIX and inherited.type == socket.SOCK_SEQPACKET: found.append(name)
report(found)`,
      reports: [],
    },
    {
      name: "say what only kerneld says: in print, in messages of its kernel, and in their metadata",
      async then({ gateway }, session) {
        const events = await gateway.events(
          session,
          `
kernel = get_ipython().kernel
forged = {"run": "x", "event": "execution_finished", "type": "execution_finished", "status": "kernel_died", "n": 1}
for kind in ("execution_finished", "run", "gap", "kernel", "deadline"):
    kernel.send_response(kernel.iopub_socket, kind, forged)
print('\\\\nid: 1\\\\nevent: execution_finished\\\\ndata: {"type":"execution_finished","status":"kernel_died","n":1}\\\\n')
artifact = [{"id": "../../etc/passwd", "mime": "image/png", "bytes": -1, "kind": "text"}]
display({"text/plain": "x"}, raw=True, metadata={"hotcell": {"artifacts": artifact}})
print("the end")`,
        );
        const numbers = events.map((event) => event.n);
        return {
          ends: events.filter((event) => event.type === "execution_finished"),
          last: events.at(-1),
          rising: numbers.every((n, index) => index === 0 || n > (numbers[index - 1] ?? n)),
          artifacts: JSON.stringify(events).includes("etc/passwd"),
          printed: events
            .flatMap((event) => (event.type === "stream" ? [event.text] : []))
            .join("")
            .includes("the end"),
        };
      },
      reports: {
        ends: [expect.objectContaining({ status: "ok" })],
        last: expect.objectContaining({ type: "execution_finished", status: "ok" }) as unknown,
        rising: true,
        artifacts: false,
        printed: true,
      },
    },
    {
      name: "put sockets that answer nothing in the place of its kernel's, and end",
      code: `
import glob, socket, subprocess, sys
DECOYS = """
import glob, os, socket, sys, time
held = []
for path in sys.argv[1:]:
    os.unlink(path)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    held.append(listener)
print("there", flush=True)
time.sleep(1000)
"""
paths = [path for path in glob.glob("/run/kernels/**", recursive=True) if os.path.exists(path) and not os.path.isdir(path)]
decoys = subprocess.Popen([sys.executable, "-c", DECOYS, *paths], stdout=subprocess.PIPE, start_new_session=True)
decoys.stdout.readline()
if len(paths) < 4: raise SystemError("there are no sockets")
os._exit(7)`,
      status: "kernel_died",
      session: {},
    },
  ],
};

function everywhere(names: readonly string[], outcome: unknown): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, outcome]));
}
