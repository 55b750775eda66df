import { z } from "zod";
import { textSchema } from "./session-options.js";

const MOST_ENTRIES = 10_000;

const entries = z.int().min(1).max(MOST_ENTRIES);

/** What is asked of a kernel's history (messaging protocol, "History"), in the protocol's own words. */
export const historyRequestSchema = z
  .strictObject({
    hist_access_type: z
      .enum(["range", "tail", "search"])
      .optional()
      .describe("Some lines, the latest entries, or those that match a pattern. `tail` by default"),
    output: z.boolean().optional().describe("With what the inputs evaluated to"),
    raw: z.boolean().optional().describe("As typed (by default), or as magics were rewritten"),
    n: entries.optional().describe("How many at most, the latest. 1000 by default"),
    session: z.int().optional().describe("`range`: 0 for this interpreter, which is the default"),
    start: z.int().min(0).optional().describe("`range`: the first line; 1 by default"),
    stop: z.int().min(0).optional().describe("`range`: the line behind the last; all by default"),
    pattern: textSchema.max(4096).optional().describe("`search`: with `*` and `?`; `*` by default"),
    unique: z.boolean().optional().describe("`search`: equal inputs once"),
  })
  .meta({ id: "HistoryRequest" });

export type HistoryRequest = z.output<typeof historyRequestSchema>;

/** The content of the `history_request` that asks this. */
export function historyContent(request: HistoryRequest): Record<string, unknown> {
  const { hist_access_type = "tail", output = false, raw = true, n = 1000 } = request;
  const common = { hist_access_type, output, raw };
  switch (hist_access_type) {
    case "tail":
      return { ...common, n };
    case "search": {
      const { pattern = "*", unique = false } = request;
      return { ...common, n, pattern, unique };
    }
    case "range": {
      const { session = 0, start = 1, stop = null } = request;
      return { ...common, session, start, stop };
    }
  }
}
