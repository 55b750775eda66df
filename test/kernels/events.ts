import type { ExecutionEvent } from "../../src/kernels/event.js";

/** An event's own fields, without those that every event has. */
type Fields = ExecutionEvent extends infer Event
  ? Event extends ExecutionEvent
    ? Omit<Event, "n" | "at" | "execution_id">
    : never
  : never;

/** Events of one execution, numbered from 1. */
export function events(...fields: Fields[]): ExecutionEvent[] {
  return fields.map((event, index) => ({
    ...event,
    n: index + 1,
    at: "2026-01-01T00:00:00.000Z",
    execution_id: "exe_1",
  }));
}

export const finished: Fields = {
  type: "execution_finished",
  status: "ok",
  execution_count: 1,
  duration_ms: 5,
  state: "kept",
  usage: { cpu_ms: 1, memory_peak_bytes: 1 },
  output: { stdout_bytes: 0, stderr_bytes: 0, truncated: false },
};
