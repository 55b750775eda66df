import { z } from "zod";
import { eventSchemas, finishedFields, mimeBundleSchema } from "../kernels/event.js";
import type { Gathered } from "../kernels/gathering.js";
import { outputSchema } from "../kernels/output.js";
import { stringifyJson } from "../sandboxes/raw-json.js";
import { type ModelRendering, renderForModel } from "./model-text.js";

export const imageSchema = z
  .object({
    name: z.string().describe("How `text` names it"),
    media_type: z.string(),
    data: z.string().describe("Base64"),
  })
  .meta({ id: "Image" });

const { status, execution_count, duration_ms, state, reason, usage, output } = finishedFields;

/** One execution, gathered: what it said, folded, and how it ended. */
export const executionResultSchema = z
  .object({
    execution_id: z.string(),
    session_id: z.string(),
    kernel_id: z.string().nullable(),
    status: z.enum(["queued", "running", ...status.options]),
    execution_count: execution_count,
    outputs: z.array(outputSchema),
    updates: z
      .array(
        z.object({
          display_id: z.string(),
          data: mimeBundleSchema,
          metadata: z.record(z.string(), z.unknown()),
        }),
      )
      .describe("Updates of displays that earlier executions made"),
    text: z.string().describe("What a language model should read"),
    images: z.array(imageSchema),
    generation: eventSchemas.execution_started.shape.generation.nullable(),
    duration_ms: duration_ms.nullable(),
    state: state.nullable(),
    reason,
    usage: usage.nullable(),
    output: output.nullable(),
    dropped_outputs: z.int().optional().describe("How many outputs were too much to gather"),
  })
  .meta({ id: "ExecutionResult" });

export type ExecutionResult = z.output<typeof executionResultSchema>;

interface ExecutionIdentity {
  id: string;
  sessionId: string;
  kernelId: string | null;
}

/** A gathered execution as the API answers it. */
export function executionResult(
  execution: ExecutionIdentity,
  gathered: Gathered,
  { text, images }: ModelRendering = renderForModel(gathered),
): ExecutionResult {
  const { finished, started } = gathered;
  return {
    execution_id: execution.id,
    session_id: execution.sessionId,
    kernel_id: started?.kernel_id ?? execution.kernelId,
    status: finished?.status ?? (started ? "running" : "queued"),
    execution_count: finished?.execution_count ?? null,
    text,
    images,
    generation: started?.generation ?? null,
    duration_ms: finished?.duration_ms ?? null,
    state: finished?.state ?? null,
    ...(finished?.reason === undefined ? {} : { reason: finished.reason }),
    usage: finished?.usage ?? null,
    output: finished?.output ?? null,
    ...(gathered.dropped_outputs > 0 ? { dropped_outputs: gathered.dropped_outputs } : {}),
    outputs: gathered.outputs,
    updates: gathered.updates,
  };
}

/** JSON of a gathered execution, in the shape of `executionResultSchema`. */
export function executionResultJson(execution: ExecutionIdentity, gathered: Gathered): string {
  return stringifyJson(executionResult(execution, gathered));
}
