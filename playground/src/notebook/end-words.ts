import type { ExecutionEvent } from "../../../src/kernels/event.js";

export type FinishedEvent = Extract<ExecutionEvent, { type: "execution_finished" }>;

/** Why an interpreter ended, as a sentence. `reason` is the gateway's word for it. */
export function deathWords(reason: string | undefined): string {
  if (reason === undefined) return "The interpreter ended.";
  if (reason === "oom")
    return "The interpreter was ended: it used more memory than the session may.";
  if (reason === "sandbox_lost" || reason === "zygote_lost")
    return "The sandbox ended, and the interpreter with it.";
  if (reason === "restarted" || reason === "kernel_restarted")
    return "The interpreter was restarted.";
  if (reason === "session_deleted") return "The session was ended.";
  if (reason === "session_expired") return "The session ended because it was unused.";
  if (reason === "abandoned") return "The session ended: no gateway was there for an hour.";
  if (reason === "gateway_stopped") return "The gateway stopped, and the session with it.";
  if (reason === "deadline" || reason === "timeout")
    return "The interpreter was ended: the cell did not stop when its time was over.";
  const signal = /^signal (\d+)$/.exec(reason)?.[1];
  if (signal !== undefined) return signalWords(Number(signal));
  const code = /^exit (\d+)$/.exec(reason)?.[1];
  if (code !== undefined) return `The code ended its own interpreter (exit code ${code}).`;
  return `The interpreter ended (${reason}).`;
}

function signalWords(signal: number): string {
  const names: Record<number, string> = {
    4: "an illegal instruction",
    6: "an abort",
    7: "a memory access that failed",
    8: "an arithmetic fault",
    9: "a kill signal",
    11: "a memory access violation",
    15: "a termination signal",
    31: "a system call that sandboxes may not make",
  };
  return `The interpreter crashed: ${names[signal] ?? `signal ${signal}`}.`;
}

/** What is to be said of an end that is not the code's own; nothing for the others. */
export function endWords(event: FinishedEvent): string | undefined {
  switch (event.status) {
    case "ok":
    case "error":
      return undefined;
    case "interrupted":
      return "Interrupted.";
    case "timed_out":
      return "Its time was over.";
    case "kernel_died":
      return deathWords(event.reason);
    case "cancelled":
      return event.reason === "aborted"
        ? "Not run: a cell before it failed."
        : event.reason === undefined
          ? "Cancelled."
          : deathWords(event.reason);
  }
}
