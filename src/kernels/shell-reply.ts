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

const inputAndOutput = z.tuple([text, text.nullable()]);

/** An entry of a `history_reply`: session, line and input, or session, line and the pair of input and output. */
const historyEntry = z
  .tuple([z.int(), z.int(), z.union([inputAndOutput, text])])
  .transform(([session, line, said]) =>
    typeof said === "string"
      ? { session, line, input: said }
      : { session, line, input: said[0], output: said[1] },
  );

export const historyEntrySchema = z.object({
  session: z.int().describe("0 is the interpreter's own, where `range` asked for it"),
  line: z.int().describe("The execution count of that input"),
  input: z.string(),
  output: z.string().nullable().optional().describe("Where `output` was asked for"),
});

/** What of a `history_reply` goes to clients (messaging protocol, "History"), its entries as objects. */
export const historyReplySchema = z
  .object({
    status: z.enum(["ok", "error", "abort"]).catch("error"),
    history: z.array(historyEntrySchema),
  })
  .meta({ id: "HistoryReply" });

/** Reads the content of a `history_reply`; entries that are none are left out. */
export function historyReply(
  content: Record<string, unknown>,
): z.output<typeof historyReplySchema> {
  const entries: unknown[] = Array.isArray(content["history"]) ? content["history"] : [];
  return {
    status: historyReplySchema.shape.status.parse(content["status"]),
    history: entries.flatMap((entry) => {
      const { data } = historyEntry.safeParse(entry);
      return data === undefined ? [] : [data];
    }),
  };
}
