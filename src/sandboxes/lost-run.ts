import type { ExecutionFinishedRecord } from "./journal-record.js";
import type { OpenRun } from "./run-ledger.js";

/** Past every number of a journal: what a sandbox said last, and nobody has read, may have any number below. */
export const PAST_JOURNAL = 2 ** 40;

/** The last record of a run whose sandbox is gone: the gateway's own, with a number past `PAST_JOURNAL`. */
export function lostRun(
  run: OpenRun,
  { n, status, reason }: Pick<ExecutionFinishedRecord, "n" | "status" | "reason">,
): ExecutionFinishedRecord {
  const at = Date.now();
  return {
    n,
    at,
    kind: "run",
    run: run.run,
    kernel: run.kernel,
    generation: run.generation,
    event: "execution_finished",
    status,
    execution_count: null,
    duration_ms: run.startedAt === undefined ? 0 : at - run.startedAt,
    state: "lost",
    reason,
    usage: { cpu_ms: 0, memory_peak_bytes: 0 },
    output: { stdout_bytes: 0, stderr_bytes: 0, truncated: false },
  };
}
