import { expect } from "vitest";
import type { Attack, Outcome, Theme } from "./attack.js";

/** The user side's first process: an attacker may end it, and thereby the session, and nothing else. */
const LOST = /zygote_lost/;

const sheltered: Outcome & { because: string } = {
  because:
    "the zygote is the first process of a PID namespace, which signals from within do not end or stop",
  status: "ok",
};

const signalled = (name: string, code: string): Attack => ({
  name,
  code,
  session: {},
  // The run may be cut off by what it does.
  status: expect.stringMatching(/^(ok|kernel_died)$/),
  ends: LOST,
  differs: { local: { ...sheltered, ends: undefined } },
});

export const zygote: Theme = {
  title: "the user side's zygote",
  attacks: [
    signalled("stop it", "import signal; os.kill(os.getppid(), signal.SIGSTOP)"),
    signalled("kill it", "import signal; os.kill(os.getppid(), signal.SIGKILL)"),
    signalled("kill everything in reach", "import signal; attempt(os.kill, -1, signal.SIGKILL)"),
    {
      name: "limit its time, descriptors and processes",
      code: `
report([call("prlimit64", os.getppid(), limit, (ctypes.c_uint64 * 2)(1, 1), None) for limit in (0, 7, 6)])`,
      reports: ["EPERM", "EPERM", "EPERM"],
    },
    {
      name: "overwrite its memory",
      code: `
pid = os.getppid()
with open(f"/proc/{pid}/maps") as maps: lines = maps.read().splitlines()
with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
    for line in lines:
        span, rights = line.split()[:2]
        if "w" not in rights: continue
        low, high = (int(end, 16) for end in span.split("-"))
        try:
            memory.seek(low)
            memory.write(b"\\xff" * (high - low))
        except (OSError, ValueError): pass`,
      session: {},
      status: expect.stringMatching(/^(ok|kernel_died)$/),
      ends: LOST,
      differs: {
        "docker-runsc": { because: "gVisor has no such file", status: "error", ends: undefined },
      },
    },
  ],
};
