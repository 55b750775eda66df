import type { ExecutionEvent } from "../../../src/kernels/event.js";
import type { Client } from "../client.js";
import type { PlannedReader } from "../plan.js";
import type { Reading, ReadingEnd } from "../reading.js";
import type { RunLog } from "../run-log.js";

/** What a reader needs to follow a run. */
export interface Following {
  client: Client;
  session: string;
  log: RunLog;
  reading: Reading;
  reader: PlannedReader;
  /** What submits the run, for readers that do. */
  submission: Record<string, unknown> | undefined;
  onEvent: (event: ExecutionEvent) => void;
}

export const executionsPath = (session: string, run: string): string =>
  `/sessions/${session}/executions/${run}`;

/** Decides after each event whether a reader hangs up, and whether it comes back, as the plan says. */
export function hangUps(reader: PlannedReader): () => "comes back" | "left" | undefined {
  const drops = [...reader.drops];
  let events = 0;
  let all = 0;
  return () => {
    events += 1;
    all += 1;
    if (all > (reader.leavesAfter ?? Infinity)) return "left";
    if (events <= (drops[0] ?? Infinity)) return undefined;
    drops.shift();
    events = 0;
    return "comes back";
  };
}

export type Follow = (following: Following) => Promise<ReadingEnd>;
