import { z } from "zod";
import { eventSchemas } from "./event.js";

const { shape } = eventSchemas.queued;
const common = { n: shape.n, at: shape.at };

/** Whom an event is about: what a run said or what became of it. */
const ofRun = { kernel_id: z.uuid() };

/** Output: of a run, or of none that is known. */
const ofOutput = {
  kernel_id: z.uuid(),
  execution_id: z
    .string()
    .nullable()
    .describe("Null where it is not known which execution's code said it"),
  late: z.literal(true).optional().describe("The execution had ended: a thread, a task or a child"),
};

const ofKernel = { ...common, kernel_id: z.uuid(), generation: z.int() };

/** What only the streams of sessions and kernels have. */
export const sessionEventSchemas = {
  following: z.object({
    type: z.literal("following"),
    ...common,
    session_id: z.string(),
    kernel_id: z.uuid().nullable().describe("Null on the stream of the whole session"),
  }),
  kernel_starting: z.object({
    type: z.literal("kernel_starting"),
    ...ofKernel,
    language: z.string().optional(),
    reason: z.string().optional(),
  }),
  kernel_ready: z.object({
    type: z.literal("kernel_ready"),
    ...ofKernel,
    language: z.string().optional(),
    language_version: z.string().optional(),
  }),
  kernel_died: z.object({
    type: z.literal("kernel_died"),
    ...ofKernel,
    language: z.string().optional(),
    reason: z.string().optional().describe("`oom`, `signal 11`, `exit 0`, …"),
    signal: z.int().optional(),
    exit_code: z.int().optional(),
  }),
  kernel_removed: z.object({
    type: z.literal("kernel_removed"),
    ...ofKernel,
    language: z.string().optional(),
    reason: z.string().optional(),
  }),
  gap: eventSchemas.gap.extend({ execution_id: z.null(), kernel_id: z.uuid().nullable() }),
  session_ended: z.object({
    type: z.literal("session_ended"),
    ...common,
    session_id: z.string(),
    kernel_id: z.null(),
    reason: z.string().describe("`session_deleted`, `idle`, `ttl`, `oom`, `sandbox_lost`, …"),
  }),
} as const;

/** Every event of a session's or a kernel's stream, told apart by `type`. */
export const sessionEventSchema = z
  .discriminatedUnion("type", [
    sessionEventSchemas.following,
    sessionEventSchemas.kernel_starting,
    sessionEventSchemas.kernel_ready,
    sessionEventSchemas.kernel_died,
    sessionEventSchemas.kernel_removed,
    eventSchemas.queued.extend(ofRun),
    eventSchemas.execution_started.extend(ofRun),
    eventSchemas.stream.extend(ofOutput),
    eventSchemas.execute_result.extend(ofOutput),
    eventSchemas.display_data.extend(ofOutput),
    eventSchemas.update_display_data.extend(ofOutput),
    eventSchemas.clear_output.extend(ofOutput),
    eventSchemas.error.extend(ofOutput),
    eventSchemas.input_request.extend(ofOutput),
    eventSchemas.comm_open.extend(ofOutput),
    eventSchemas.comm_msg.extend(ofOutput),
    eventSchemas.comm_close.extend(ofOutput),
    eventSchemas.deadline.extend(ofRun),
    eventSchemas.output_truncated.extend(ofRun),
    eventSchemas.execution_finished.extend(ofRun),
    sessionEventSchemas.gap,
    sessionEventSchemas.session_ended,
  ])
  .meta({
    id: "SessionEvent",
    description:
      "One event of a session's or a kernel's stream: those of all executions, output outside of executions, " +
      "and what becomes of kernels. `following` comes first and says behind which number the stream goes on; " +
      "`session_ended`, or on a kernel's stream its `kernel_removed`, comes last",
  });

export type SessionEvent = z.output<typeof sessionEventSchema>;
