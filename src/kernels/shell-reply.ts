import type { KernelMessage } from "@jupyterlab/services";
import { z } from "zod";

type CompleteReply = KernelMessage.ICompleteReplyMsg["content"];
type InspectReply = KernelMessage.IInspectReplyMsg["content"];
type IsCompleteReply = KernelMessage.IIsCompleteReplyMsg["content"];

const text = z.string().transform((value) => value.toWellFormed());
const object = z
  .custom<Record<string, unknown>>(
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  )
  .catch(() => Object.create(null) as Record<string, unknown>);
const position = z.int().min(0).catch(0);

/** What of a `complete_reply` goes to clients (messaging protocol, "Completion"). Positions count code points. */
export const completeReplySchema = z
  .object({
    status: z.enum(["ok", "error", "abort"]).catch("error"),
    matches: z.array(text).catch([]),
    cursor_start: position,
    cursor_end: position,
    metadata: object,
  })
  .meta({ id: "CompleteReply" }) satisfies z.ZodType<
  Pick<CompleteReply, "status"> & { matches: string[] }
>;

/** What of an `inspect_reply` goes to clients (messaging protocol, "Introspection"). */
export const inspectReplySchema = z
  .object({
    status: z.enum(["ok", "error", "abort"]).catch("error"),
    found: z.boolean().catch(false),
    data: object,
    metadata: object,
  })
  .meta({ id: "InspectReply" }) satisfies z.ZodType<
  Pick<InspectReply, "status"> & { found: boolean }
>;

/** What of an `is_complete_reply` goes to clients (messaging protocol, "Code completeness"). */
export const isCompleteReplySchema = z
  .object({
    status: z.enum(["complete", "incomplete", "invalid", "unknown"]).catch("unknown"),
    indent: text.catch("").describe("What the next line should begin with, where `incomplete`"),
  })
  .meta({ id: "IsCompleteReply" }) satisfies z.ZodType<Pick<IsCompleteReply, "status">>;
