/** Heads of records as kerneld writes them, for tests that lie about one field at a time. */
export const KERNEL = "11111111-2222-4333-8444-555555555555";

export function messageHead(n: number, fields: object = {}): Record<string, unknown> {
  return {
    n,
    at: 1_700_000_000_000,
    kind: "message",
    run: "mine",
    kernel: KERNEL,
    generation: 0,
    channel: "iopub",
    msg_type: "stream",
    msg_id: "m",
    parent_id: "p",
    metadata: {},
    content: { name: "stdout", text: `record ${n}` },
    ...fields,
  };
}

export function runHead(n: number, event: string, fields: object = {}): Record<string, unknown> {
  return {
    n,
    at: 1_700_000_000_000,
    kind: "run",
    run: "mine",
    kernel: KERNEL,
    generation: 0,
    event,
    ...fields,
  };
}

export function finishedHead(n: number, fields: object = {}): Record<string, unknown> {
  return runHead(n, "execution_finished", {
    status: "ok",
    execution_count: 1,
    duration_ms: 5,
    state: "kept",
    reason: null,
    usage: { cpu_ms: 1, memory_peak_bytes: 2 },
    output: { stdout_bytes: 3, stderr_bytes: 0, truncated: false },
    ...fields,
  });
}

export function startedHead(n: number, fields: object = {}): Record<string, unknown> {
  return runHead(n, "execution_started", { state: "fresh", queued_ms: 0, ...fields });
}
