import { readFileSync } from "node:fs";

/** One process for good: pids are given again, a pid with its start time is not. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks from the machine's boot to its start: field 22 of `/proc/<pid>/stat`. */
  started: number;
}

export interface ProcessStatus {
  started: number;
  /** Dead, with nothing of it left but its exit status. */
  ended: boolean;
}

/** Reads `/proc/<pid>/stat` (proc(5)). The command's name, in parentheses, may hold anything. */
export function parseProcessStatus(text: string): ProcessStatus | undefined {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, threads, started] = [fields[0], Number(fields[17]), Number(fields[19])];
  if (state === undefined || !Number.isSafeInteger(started)) return undefined;
  // The first thread of a process may be a zombie while others still run.
  return { started, ended: (state === "Z" || state === "X") && !(threads > 1) };
}

// Synchronous: the kernel answers from memory, and nothing must come between a look and the signal that follows it.
function status(pid: number): ProcessStatus | undefined {
  try {
    return parseProcessStatus(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return undefined;
  }
}

/** Undefined when there is no such process. */
export function identify(pid: number): ProcessIdentity | undefined {
  const found = status(pid);
  return found && !found.ended ? { pid, started: found.started } : undefined;
}

export function isAlive({ pid, started }: ProcessIdentity): boolean {
  return identify(pid)?.started === started;
}

/**
 * Sends SIGKILL to this process and to no other that has its pid now; false when it has ended.
 * @throws Error with `EPERM` where it belongs to somebody else
 */
export function killProcess(identity: ProcessIdentity): boolean {
  if (!isAlive(identity)) return false;
  try {
    return process.kill(identity.pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}
