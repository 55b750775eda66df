import { z } from "zod";
import { runStatus } from "../sandboxes/journal-record.js";

/** A MIME bundle: text, base64 of binary types, or JSON, by media type. */
export const mimeBundleSchema = z
  .record(z.string(), z.unknown())
  .meta({ id: "MimeBundle", description: "Representations of one value, by media type" });

export const STREAM_NAMES = ["stdout", "stderr"] as const;

const n = z
  .int()
  .describe("The sandbox's journal number: increasing, not dense within one execution");
const at = z.iso.datetime().describe("When it happened, UTC");

/** What every event of an execution carries. */
const common = { n, at, execution_id: z.string() };

const rich = {
  data: mimeBundleSchema,
  metadata: z.record(z.string(), z.unknown()),
  execution_count: z.int().optional(),
  display_id: z.string().optional(),
};

const commCommon = {
  comm_id: z.string(),
  data: z.record(z.string(), z.unknown()),
  metadata: z.record(z.string(), z.unknown()),
  buffers: z.array(z.string()).optional().describe("Base64, in their order"),
  dropped_buffers: z.int().optional().describe("How many there were: they were too much to keep"),
};

export const usageSchema = z
  .object({
    cpu_ms: z.number().describe("Processor time of the whole sandbox during the execution"),
    memory_peak_bytes: z.number().describe("The sandbox's highest memory use so far"),
  })
  .meta({ id: "ExecutionUsage" });

export const outputCountsSchema = z
  .object({
    stdout_bytes: z.int(),
    stderr_bytes: z.int(),
    truncated: z.boolean(),
  })
  .meta({ id: "OutputCounts" });

export const finishedFields = {
  status: runStatus,
  execution_count: z.int().nullable(),
  duration_ms: z.number(),
  state: z
    .enum(["kept", "lost"])
    .describe("Whether the interpreter's state survived the execution"),
  reason: z
    .string()
    .optional()
    .describe("`oom`, `signal 11`, `exit 0`, `no_reply`, `sandbox_lost`, …"),
  usage: usageSchema,
  output: outputCountsSchema,
};

export const eventSchemas = {
  queued: z.object({
    type: z.literal("queued"),
    ...common,
    position: z.int().describe("How many executions are ahead"),
  }),
  execution_started: z.object({
    type: z.literal("execution_started"),
    ...common,
    session_id: z.string(),
    kernel_id: z.string(),
    generation: z.int().describe("How many interpreters this kernel has had"),
    state: z.enum(["kept", "fresh"]).describe("`fresh`: nothing ran in this interpreter before"),
    execution_count: z.int().optional(),
    queued_ms: z.number(),
  }),
  stream: z.object({
    type: z.literal("stream"),
    ...common,
    name: z.enum(STREAM_NAMES),
    text: z.string(),
  }),
  execute_result: z.object({ type: z.literal("execute_result"), ...common, ...rich }),
  display_data: z.object({ type: z.literal("display_data"), ...common, ...rich }),
  update_display_data: z.object({ type: z.literal("update_display_data"), ...common, ...rich }),
  clear_output: z.object({ type: z.literal("clear_output"), ...common, wait: z.boolean() }),
  error: z.object({
    type: z.literal("error"),
    ...common,
    ename: z.string(),
    evalue: z.string(),
    traceback: z.array(z.string()),
  }),
  input_request: z.object({
    type: z.literal("input_request"),
    ...common,
    prompt: z.string(),
    password: z.boolean(),
  }),
  comm_open: z.object({
    type: z.literal("comm_open"),
    ...common,
    ...commCommon,
    target_name: z.string(),
  }),
  comm_msg: z.object({ type: z.literal("comm_msg"), ...common, ...commCommon }),
  comm_close: z.object({ type: z.literal("comm_close"), ...common, ...commCommon }),
  deadline: z.object({
    type: z.literal("deadline"),
    ...common,
    step: z.enum(["interrupt", "kill"]),
  }),
  output_truncated: z.object({
    type: z.literal("output_truncated"),
    ...common,
    name: z.enum(STREAM_NAMES),
    dropped_bytes: z.int(),
  }),
  gap: z.object({
    type: z.literal("gap"),
    ...common,
    from: z.int(),
    to: z.int(),
    reason: z.string(),
  }),
  execution_finished: z.object({
    type: z.literal("execution_finished"),
    ...common,
    ...finishedFields,
  }),
} as const;

/** Every event of an execution's stream, told apart by `type`. */
export const eventSchema = z
  .discriminatedUnion("type", [
    eventSchemas.queued,
    eventSchemas.execution_started,
    eventSchemas.stream,
    eventSchemas.execute_result,
    eventSchemas.display_data,
    eventSchemas.update_display_data,
    eventSchemas.clear_output,
    eventSchemas.error,
    eventSchemas.input_request,
    eventSchemas.comm_open,
    eventSchemas.comm_msg,
    eventSchemas.comm_close,
    eventSchemas.deadline,
    eventSchemas.output_truncated,
    eventSchemas.gap,
    eventSchemas.execution_finished,
  ])
  .meta({ id: "ExecutionEvent", description: "One event of an execution's stream" });

export type ExecutionEvent = z.output<typeof eventSchema>;
export type EventOf<Type extends ExecutionEvent["type"]> = Extract<ExecutionEvent, { type: Type }>;
export type FinishedEvent = EventOf<"execution_finished">;

/** Whether an event is the last one of its execution. */
export function isTerminalEvent(event: ExecutionEvent): event is FinishedEvent {
  return event.type === "execution_finished";
}
