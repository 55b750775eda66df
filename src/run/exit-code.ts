import type { FinishedEvent } from "../kernels/event.js";

/** How `hotcell run` exits, unless the code chose: `sys.exit(n)` and `os._exit(n)` are n. */
export const RUN_EXIT = {
  ok: 0,
  /** The code raised an exception. */
  error: 1,
  usage: 2,
  /** No runtime can make sandboxes here. */
  noRuntime: 3,
  /** The code could not be run, or not to its end: no gateway, a wrong key, a refused or ended session. */
  notRun: 4,
  timedOut: 124,
  interrupted: 130,
  kernelDied: 137,
} as const;

/** Where the code ended its interpreter by itself, with what; `undefined` for every other death. */
export function ownExit({ status, reason }: Ending): number | undefined {
  const code = status === "kernel_died" ? /^exit (\d{1,3})$/.exec(reason ?? "")?.[1] : undefined;
  return code === undefined ? undefined : Number(code) & 0xff;
}

/** The exit code of an execution that ended this way, with this error as its last. */
export function exitCodeOf(ending: Ending, error?: { ename: string; evalue: string }): number {
  switch (ending.status) {
    case "ok":
      return RUN_EXIT.ok;
    case "error":
      return error?.ename === SYSTEM_EXIT ? systemExit(error.evalue) : RUN_EXIT.error;
    case "interrupted":
      return RUN_EXIT.interrupted;
    case "timed_out":
      return RUN_EXIT.timedOut;
    case "kernel_died":
      return ownExit(ending) ?? RUN_EXIT.kernelDied;
    case "cancelled":
      return RUN_EXIT.notRun;
  }
}

type Ending = Pick<FinishedEvent, "status" | "reason">;

/** What `sys.exit()` raises. */
export const SYSTEM_EXIT = "SystemExit";

/** Whether the value that `sys.exit()` was given is a message rather than a code. */
export function isExitMessage(value: string): boolean {
  return !/^(-?\d+|None|True|False|)$/.test(value);
}

/** As Python's own end: nothing and 0 are success, a number is the code, anything else is a failure. */
function systemExit(value: string): number {
  if (value === "" || value === "None" || value === "False") return RUN_EXIT.ok;
  return /^-?\d{1,9}$/.test(value) ? Number(value) & 0xff : RUN_EXIT.error;
}
