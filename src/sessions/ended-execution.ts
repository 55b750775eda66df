import type { ExecutionFinishedRecord, JournalRecord } from "../sandboxes/journal-record.js";
import type { RunObject } from "../sandboxes/runs.js";
import { Execution } from "./execution.js";

/** An execution whose sandbox is gone: a gap for all that it said, and how it ended. */
export function endedExecution(sessionId: string, end: ExecutionFinishedRecord): Execution {
  const run: RunObject = {
    id: end.run,
    kernel: end.kernel,
    generation: end.generation,
    state: "finished",
    position: 0,
    first_n: null,
    last_n: end.n,
    created_at: end.at - end.duration_ms,
    started_at: end.at - end.duration_ms,
    finished_at: end.at,
    status: end.status,
    execution_count: end.execution_count,
    waiting_for_input: false,
    timeout_s: 1,
    grace_s: 0,
  };
  async function* records(after: number): AsyncGenerator<JournalRecord, void, undefined> {
    const to = end.n - 1;
    if (after < to) {
      yield { kind: "gap", n: to, at: end.at, from: after + 1, to, reason: "sandbox_gone" };
    }
    if (after < end.n) yield end;
  }
  return new Execution(sessionId, run, 0, {
    follow: records,
    soFar: () => records(0),
    cancel: () => Promise.resolve(run),
  });
}
