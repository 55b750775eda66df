import { z } from "zod";

import { type JsonObject, isJsonObject } from "./json.js";
import {
  clampedCount,
  count,
  journalNumber,
  kernelId,
  runId,
  smallInteger,
  text,
  timestamp,
  token,
} from "./untrusted.js";

const reason = text(500);
const jsonObject = z.custom<JsonObject>(isJsonObject, "expected an object");

/** How a run can end. */
export const runStatus = z.enum([
  "ok",
  "error",
  "interrupted",
  "timed_out",
  "kernel_died",
  "cancelled",
]);
export type RunStatus = z.infer<typeof runStatus>;

const numbered = { n: journalNumber, at: timestamp };
const ofRun = {
  ...numbered,
  kind: z.literal("run"),
  run: runId,
  kernel: kernelId,
  generation: count,
};
const streamName = z.enum(["stdout", "stderr"]);

/** A Jupyter message as the kernel sent it. `run` is null when its parent is unknown. */
export const messageRecord = z.object({
  ...numbered,
  kind: z.literal("message"),
  run: runId.nullable(),
  /** Output of a run that had ended. */
  late: z.boolean().default(false),
  kernel: kernelId,
  generation: count,
  channel: z.enum(["iopub", "stdin"]),
  msg_type: token,
  msg_id: text(200),
  parent_id: text(200).nullable(),
  /** Unchecked but for size, depth and prototypes; MIME values over 256 KiB are strings or raw JSON. */
  content: jsonObject,
  metadata: jsonObject,
  /** How many buffers a comm's message had, where they were too much. */
  dropped_buffers: count.optional(),
});

const queued = z.object({ ...ofRun, event: z.literal("queued"), position: count });

const executionStarted = z.object({
  ...ofRun,
  event: z.literal("execution_started"),
  state: z.enum(["kept", "fresh"]),
  queued_ms: clampedCount,
});

const deadline = z.object({
  ...ofRun,
  event: z.literal("deadline"),
  step: z.enum(["interrupt", "kill"]),
});

const outputTruncated = z.object({
  ...ofRun,
  event: z.literal("output_truncated"),
  name: streamName,
  dropped_bytes: clampedCount,
});

/** The last record of a run. */
export const executionFinished = z.object({
  ...ofRun,
  event: z.literal("execution_finished"),
  status: runStatus,
  execution_count: count.nullable(),
  duration_ms: clampedCount,
  state: z.enum(["kept", "lost"]),
  reason: reason.nullable(),
  usage: z.object({ cpu_ms: clampedCount, memory_peak_bytes: clampedCount }),
  output: z.object({
    stdout_bytes: clampedCount,
    stderr_bytes: clampedCount,
    truncated: z.boolean(),
  }),
});

/** What happened to a run. `execution_finished` comes exactly once and last. */
export const runRecord = z.discriminatedUnion("event", [
  queued,
  executionStarted,
  deadline,
  outputTruncated,
  executionFinished,
]);

/** What happened to a kernel. */
export const kernelRecord = z.object({
  ...numbered,
  kind: z.literal("kernel"),
  kernel: kernelId,
  generation: count,
  event: z.enum(["starting", "ready", "dead", "removed"]),
  language: token.nullish(),
  language_version: text(64).nullish(),
  reason: reason.nullish(),
  signal: smallInteger.nullish(),
  exit_code: smallInteger.nullish(),
});

/** Records `from` to `to` are not kept any more; the gap's own number is `to`. */
export const gapRecord = z
  .object({
    ...numbered,
    kind: z.literal("gap"),
    from: journalNumber,
    to: journalNumber,
    reason,
  })
  .refine((gap) => gap.from <= gap.to && gap.to === gap.n, "a gap ends at its own number");

export type MessageRecord = z.infer<typeof messageRecord> & {
  /** Of a comm's message, in base64: they come beside the head, not in it. */
  buffers?: string[];
};
export type RunRecord = z.infer<typeof runRecord>;
export type ExecutionFinishedRecord = z.infer<typeof executionFinished>;
export type KernelRecord = z.infer<typeof kernelRecord>;
export type GapRecord = z.infer<typeof gapRecord>;
export type JournalRecord = MessageRecord | RunRecord | KernelRecord | GapRecord;

/** Whether a record is the last one of a run. */
export function isTerminal(record: JournalRecord): record is ExecutionFinishedRecord {
  return record.kind === "run" && record.event === "execution_finished";
}
