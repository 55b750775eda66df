import { z } from "zod";

import { type CallOptions, breach, callFor, callForNothing } from "./call.js";
import { runStatus } from "./journal-record.js";
import type { SandboxLink } from "./link.js";
import { count, journalNumber, kernelId, runId, seconds, timestamp } from "./untrusted.js";

/** A run, as kerneld describes it. */
const runObject = z.object({
  id: runId,
  kernel: kernelId,
  /** As asked: from `started_at` to the deadline, and from there until its kernel is killed. */
  timeout_s: seconds.positive(),
  grace_s: seconds,
  /** Null until it starts. */
  generation: count.nullable(),
  state: z.enum(["queued", "running", "finished"]),
  /** How many runs are ahead of it; 0 also while it waits for the kernel itself. */
  position: count.nullable(),
  /** The number of its first and its last record so far; null until there is one. */
  first_n: journalNumber.nullable(),
  last_n: journalNumber.nullable(),
  created_at: timestamp,
  started_at: timestamp.nullable(),
  finished_at: timestamp.nullable(),
  status: runStatus.nullable(),
  execution_count: count.nullable(),
  waiting_for_input: z.boolean(),
});
export type RunObject = z.infer<typeof runObject>;

/** All runs that a sandbox knows, newest first. */
export const runObjects = z.array(runObject).max(10_000);
const runList = z.object({ runs: runObjects });

/** The body of a run: every field is always sent, so that the same run is the same body. */
export interface RunRequest {
  kernel: string;
  code: string;
  timeout_s: number;
  grace_s: number;
  env: Record<string, string> | null;
  cwd: string | null;
  stdin: "deny" | "ask" | string[];
  max_output_bytes: number;
  expect_generation: number | null;
  silent: boolean;
  store_history: boolean;
  stop_on_error: boolean;
  queue: boolean;
}

/** A sandbox's runs. Every call throws LinkError or KerneldError; ids are checked to be run ids. */
export interface RunsClient {
  /** Accepts a run, or joins the one with the same id and body. Sent again by itself when a connection broke. */
  put(run: string, request: RunRequest, options?: CallOptions): Promise<RunObject>;
  get(run: string, options?: CallOptions): Promise<RunObject>;
  /** Newest first. */
  list(options?: CallOptions): Promise<RunObject[]>;
  /** Answers the question that the run waits with; with `n`, only where that is the `input_request` of this number. */
  input(run: string, answer: { value: string; n?: number }, options?: CallOptions): Promise<void>;
  interrupt(run: string, options?: CallOptions): Promise<void>;
  /** Ends a run, or takes it out of the queue. */
  cancel(run: string, options?: CallOptions): Promise<RunObject>;
}

export function createRunsClient(link: SandboxLink): RunsClient {
  /** An answer about one run must be about that run. */
  const about = (run: string, answer: RunObject): RunObject => {
    if (answer.id !== run) throw breach(link, "an answer about another run");
    return answer;
  };
  return {
    put: async (run, request, options) => {
      const call = { ...options, method: "PUT", path: runPath(run), idempotent: true } as const;
      return about(run, await callFor(link, runObject, { ...call, body: request }));
    },
    get: async (run, options) => {
      const call = { ...options, method: "GET", path: runPath(run), idempotent: true } as const;
      return about(run, await callFor(link, runObject, call));
    },
    list: async (options) => {
      const call = { ...options, method: "GET", path: "/runs", idempotent: true } as const;
      return (await callFor(link, runList, call)).runs;
    },
    input: (run, answer, options) =>
      callForNothing(link, {
        ...options,
        method: "POST",
        path: `${runPath(run)}/input`,
        body: answer,
        idempotent: false,
      }),
    interrupt: (run, options) =>
      callForNothing(link, {
        ...options,
        method: "POST",
        path: `${runPath(run)}/interrupt`,
        body: {},
        over: "control",
        idempotent: false,
      }),
    cancel: async (run, options) =>
      about(
        run,
        await callFor(link, runObject, {
          ...options,
          method: "DELETE",
          path: runPath(run),
          over: "control",
          idempotent: false,
        }),
      ),
  };
}

function runPath(run: string): string {
  return `/runs/${runId.parse(run)}`;
}
