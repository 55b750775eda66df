import { z } from "zod";
import { mimeBundleSchema, STREAM_NAMES } from "./event.js";

const bundle = { data: mimeBundleSchema, metadata: z.record(z.string(), z.unknown()) };

/** One output of a notebook cell, as nbformat 4.5 defines it. */
export const outputSchema = z
  .discriminatedUnion("output_type", [
    z.object({
      output_type: z.literal("stream"),
      name: z.enum(STREAM_NAMES),
      text: z.string(),
    }),
    z.object({ output_type: z.literal("display_data"), ...bundle }),
    z.object({
      output_type: z.literal("execute_result"),
      ...bundle,
      execution_count: z.int().nullable(),
    }),
    z.object({
      output_type: z.literal("error"),
      ename: z.string(),
      evalue: z.string(),
      traceback: z.array(z.string()),
    }),
  ])
  .meta({ id: "Output", description: "An output as nbformat 4.5 defines it" });

export type Output = z.output<typeof outputSchema>;
export type StreamOutput = Extract<Output, { output_type: "stream" }>;
export type RichOutput = Extract<Output, { output_type: "display_data" | "execute_result" }>;
