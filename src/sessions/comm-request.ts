import { z } from "zod";
import { base64Schema, textSchema } from "./session-options.js";

/** As many as events have; with more than that they say only how many there were. */
const MOST_BUFFERS = 256;

/** How deep objects and arrays may stand in each other: what a kernel says is bound to one more. */
const MOST_LEVELS = 63;

const name = textSchema.min(1).max(256);

const jsonObject = z
  .record(z.string(), z.unknown())
  .refine((value) => !isDeeper(value, MOST_LEVELS), `is nested deeper than ${MOST_LEVELS} levels`);

const shape = {
  comm_id: name.describe("Chosen by whoever opens the comm; the kernel's events have it"),
  data: jsonObject.default({}),
  metadata: jsonObject.default({}),
  buffers: z
    .array(base64Schema)
    .max(MOST_BUFFERS)
    .default([])
    .describe("Base64, in their order; the kernel gets the bytes"),
};

/** The fields of each comm message, named as in the events of that type. */
export const commRequestShapes = {
  comm_open: {
    type: z.literal("comm_open"),
    target_name: name.describe("What the kernel's code has registered"),
    ...shape,
  },
  comm_msg: { type: z.literal("comm_msg"), ...shape },
  comm_close: { type: z.literal("comm_close"), ...shape },
} as const;

/** A comm message of a client to a kernel (messaging protocol, "Custom Messages"). */
export const commRequestSchema = z
  .discriminatedUnion("type", [
    z.strictObject(commRequestShapes.comm_open),
    z.strictObject(commRequestShapes.comm_msg),
    z.strictObject(commRequestShapes.comm_close),
  ])
  .meta({ id: "CommRequest" });

export type CommRequest = z.output<typeof commRequestSchema>;

/** Whether more than so many objects and arrays stand in each other. Level by level, for the stack has an end. */
function isDeeper(value: object, levels: number): boolean {
  let level: object[] = [value];
  for (let depth = 0; depth < levels; depth += 1) {
    level = level.flatMap((container) =>
      Object.values(container).filter(
        (item): item is object => typeof item === "object" && item !== null,
      ),
    );
    if (level.length === 0) return false;
  }
  return true;
}
