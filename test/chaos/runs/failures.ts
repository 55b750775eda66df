import type { Part } from "../script.js";
import { printed, printing } from "./lines.js";
import { type End, python, type RunKind } from "./run-kind.js";

/** The error event of this class. */
export const raised = (ename: string, evalue?: string): Part => ({
  kind: "event",
  what: `an error ${ename}`,
  fits: (event) =>
    event.type === "error" &&
    event.ename === ename &&
    (evalue === undefined || event.evalue === evalue),
});

/** Code that fails after it has printed some lines. */
export const errors: RunKind = {
  name: "errors",
  scene: (tag, random) => {
    const count = random.integer(0, 10);
    const ename = random.pick(["ValueError", "ZeroDivisionError", "SystemError"]);
    return {
      code: `${printing(tag, count, 5)}\nraise ${ename}(${python(tag)})`,
      options: { stop_on_error: random.chance(0.3) },
      script: [...printed(tag, count), raised(ename, tag)],
      ends: [{ status: "error", state: "kept", complete: true }],
      events: count + 1,
    };
  },
};

const dying = (reason: string, complete = false): End[] => [
  { status: "kernel_died", reason, state: "lost", complete },
];

/** Code that ends its kernel. */
export const deaths: RunKind = {
  name: "deaths",
  scene: (tag, random) => {
    const count = random.integer(0, 10);
    // An exit sends first what was printed; nothing can be asked of a process that is killed.
    const [how, reason, complete] = random.pick<[string, string, boolean]>([
      ["import os; os._exit(7)", "exit 7", true],
      ["import os; os._exit(0)", "exit 0", true],
      ["import os; os.kill(os.getpid(), 9)", "signal 9", false],
      ["import os; os.kill(os.getpid(), 11)", "signal 11", false],
      ["import os; os.abort()", "signal 6", false],
      ["exit()", "exit 0", true],
    ]);
    return {
      code: `${printing(tag, count, 10)}\n${how}`,
      options: { stop_on_error: random.chance(0.2) },
      script: printed(tag, count),
      ends: dying(reason, complete),
      events: count,
    };
  },
};

/** Code that takes more memory than there is. */
export const outOfMemory: RunKind = {
  name: "out of memory",
  scene: (tag, random) => {
    const count = random.integer(1, 5);
    return {
      code: `${printing(tag, count, 0)}\nheld = []\nwhile True: held.append(b"x" * (16 << 20))`,
      script: printed(tag, count),
      ends: dying("oom"),
      needs: "memory_limit",
      sessionEnd: "oom",
      events: count,
    };
  },
};

/** Code that goes on until its deadline, and perhaps beyond it. */
export const deadlines: RunKind = {
  name: "deadlines",
  scene: (tag, random) => {
    const count = random.integer(0, 5);
    const stubborn = random.chance(0.4);
    const loop = stubborn
      ? "while True:\n    try:\n        time.sleep(5)\n    except KeyboardInterrupt:\n        pass"
      : random.pick(["while True: pass", "time.sleep(1000)"]);
    return {
      code: `${printing(tag, count, 0)}\n${loop}`,
      options: { timeout_s: random.integer(15, 30) / 10 },
      script: [...printed(tag, count), ...(stubborn ? [] : [raised("KeyboardInterrupt")])],
      // On a machine with much to do, the interrupt may come before the loop, or be too late for the grace.
      ends: [{ status: "timed_out", reason: "deadline", complete: false }],
      events: count + 1,
    };
  },
};
