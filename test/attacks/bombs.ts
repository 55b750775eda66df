import { expect } from "vitest";
import type { Attack, Theme } from "./attack.js";

/** What is written below a directory of a sandbox until nothing more can be. */
const FILL = `
def fill(directory):
    written, block = 0, b"x" * (1 << 20)
    try:
        with open(f"{directory}/full", "wb", buffering=0) as file:
            while True: written += file.write(block)
    except OSError as error: return [errno.errorcode[error.errno], written > 0]
`;

const EMPTY = `
for directory in ("/workspace", "/tmp", "/dev/shm", "/run/kernels"):
    if os.path.exists(f"{directory}/full"): os.unlink(f"{directory}/full")
`;

const ALL_OF_GVISOR = "all of a sandbox is one gVisor to the machine, which ends as a whole";

const eats = (name: string, code: string): Attack => ({
  name,
  code,
  needs: "memory_limit",
  session: {},
  status: "kernel_died",
  differs: { "docker-runsc": { because: ALL_OF_GVISOR, ends: /oom/ } },
});

/** As much of everything as there is, and more. */
export const bombs: Theme = {
  title: "bombs",
  attacks: [
    {
      name: "fork without end",
      code: `
while True:
    try: os.fork()
    except OSError: pass`,
      session: {},
      timeoutS: 5,
      status: "timed_out",
      async then(stage) {
        const code = `report([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in
            [os.fork() or os._exit(0) for _ in range(5)]])`;
        return (await stage.run(stage.neighbour, code)).reports;
      },
      reports: [0, 0, 0, 0, 0],
      differs: {
        "docker-runsc": {
          because: `${ALL_OF_GVISOR}, and its memory is used up before the deadline, or not`,
          reports: [0, 0, 0, 0, 0],
          status: expect.stringMatching(/^(kernel_died|timed_out)$/) as unknown,
          mayEnd: /oom/,
        },
      },
    },
    {
      name: "start threads without end",
      code: `
import threading
halt, started = threading.Event(), []
try:
    while True:
        thread = threading.Thread(target=halt.wait)
        thread.start()
        started.append(thread)
except RuntimeError: pass
finally: halt.set()
for thread in started: thread.join()
report(1 < len(started) < 5000)`,
      reports: true,
    },
    {
      name: "leave children that heed no signal behind a run that is over its deadline",
      code: `
import signal, time
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        for number in range(1, 32):
            if number not in (signal.SIGKILL, signal.SIGSTOP): signal.signal(number, signal.SIG_IGN)
        while True: time.sleep(1)
signal.signal(signal.SIGINT, signal.SIG_IGN)
while True: pass`,
      session: {},
      timeoutS: 3,
      status: "timed_out",
    },
    {
      name: "keep every processor busy",
      code: `
import time
for _ in range(16):
    if os.fork() == 0:
        until = time.monotonic() + 5
        while time.monotonic() < until: pass
        os._exit(0)
for _ in range(16): os.wait()`,
    },
    eats("take memory without end", "taken = []\nwhile True: taken.append(bytearray(50_000_000))"),
    eats(
      "take memory without end in files that have no name",
      `
taken = []
while True:
    taken.append(os.memfd_create("taken"))
    os.write(taken[-1], b"x" * 50_000_000)`,
    ),
    {
      name: "take shared memory that outlives its processes",
      needs: "memory_limit",
      code: `
IPC_PRIVATE, SIZE = 0, 64 << 20
libc.shmat.restype = ctypes.c_void_p
while True:
    segment = libc.shmget(IPC_PRIVATE, ctypes.c_size_t(SIZE), 0o600)
    if segment < 0: break
    ctypes.memset(libc.shmat(segment, None, 0), 1, SIZE)`,
      session: {},
      status: "kernel_died",
      // What is never given back may leave no room for another kernel: its own loss, while the session can be ended.
      then: async ({ gateway }, session) =>
        (await gateway.call("DELETE", `/v1/sessions/${session}`)).status,
      reports: expect.toBeOneOf([204, 410]),
      ends: /session_deleted|oom/,
    },
    {
      name: "fill every file system that is its own, all at once",
      code: `${FILL}
report({directory: fill(directory) for directory in ("/workspace", "/tmp", "/dev/shm", "/run/kernels")})`,
      session: {},
      async then(stage, session) {
        const full = await stage.run(
          session,
          `import tempfile\nreport(attempt(tempfile.TemporaryFile))`,
        );
        const kernels = await stage.gateway.call("GET", `/v1/sessions/${session}`);
        const { state } = (await kernels.json()) as { state: string };
        const emptied = await stage.run(
          session,
          `${EMPTY}\nopen("/workspace/x", "w").write("x")\nreport("room")`,
        );
        return [full.status, state, emptied.reports];
      },
      reports: ["ok", "running", "room"],
    },
    {
      name: "write a file without end",
      code: `${FILL}
report(fill("/workspace"))${EMPTY}`,
      reports: ["ENOSPC", true],
      timeoutS: 120,
    },
    {
      name: "make files without end",
      code: `
made, most = 0, 50_000 if scene["column"] == "docker-runsc" else 2_000_000
try:
    os.mkdir("/workspace/files")
    for made in range(most): os.close(os.open(f"/workspace/files/{made}", os.O_CREAT | os.O_WRONLY))
except OSError as error: outcome = errno.errorcode[error.errno]
else: outcome = "never"
report([outcome, made > 100])`,
      session: {},
      timeoutS: 120,
      reports: ["ENOSPC", true],
      differs: {
        "docker-runsc": {
          because: "gVisor bounds them by the sandbox's memory alone",
          reports: ["never", true],
        },
      },
    },
    {
      name: "open descriptors without end",
      code: `
taken = []
try:
    while True: taken.append(os.dup(0))
except OSError as error: outcome = errno.errorcode[error.errno]
for descriptor in taken: os.close(descriptor)
report([outcome, len(taken) < 1 << 20])`,
      reports: ["EMFILE", true],
    },
    {
      name: "raise its limits",
      code: `
import resource
raised = []
for name in (name for name in dir(resource) if name.startswith("RLIMIT_")):
    soft, hard = resource.getrlimit(getattr(resource, name))
    if hard == resource.RLIM_INFINITY: continue
    try: resource.setrlimit(getattr(resource, name), (soft, hard + 1))
    except (OSError, ValueError): continue
    raised.append(name)
# However low: a limit of 0 would have a core piped to the machine's program.
try: resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except (OSError, ValueError): core = "refused"
else: core = "set"
report([raised, core])`,
      reports: [[], "refused"],
    },
    {
      name: "crash, for the machine to write or pipe a core",
      code: `
child = os.fork()
if child == 0:
    ctypes.string_at(0)
status = os.waitpid(child, 0)[1]
report([os.WTERMSIG(status), os.WCOREDUMP(status), [name for name in os.listdir("/workspace") if "core" in name]])`,
      reports: [11, false, []],
    },
    {
      name: "change the clock",
      code: `
time, interval = (ctypes.c_int64 * 2)(1, 0), (ctypes.c_int64 * 26)(1)
report([call("clock_settime", 0, time), call("settimeofday", time, None), call("clock_adjtime", 0, interval)])`,
      reports: ["EPERM", "EPERM", "EPERM"],
    },
    {
      name: "take precedence over all others",
      code: `
report([attempt(os.setpriority, os.PRIO_PROCESS, 0, -20),
        attempt(os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(50)),
        attempt(lambda: open("/proc/self/oom_score_adj", "w", buffering=1).write("-1000\\n"))])`,
      reports: Array(3).fill(expect.stringMatching(/^E(PERM|ACCES)$/)),
      differs: {
        "docker-runsc": {
          because: "gVisor takes notice of none of these",
          reports: ["done", "EINVAL", "done"],
        },
      },
    },
  ],
};
