import { z } from "zod";
import { type ErrorCode, ERRORS } from "../errors.js";

export const problemSchema = z
  .object({
    type: z.string().describe("`urn:hotcell:problem:` and the code"),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
    request_id: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: "Problem", description: "RFC 9457 problem details; `code` is stable" });

/** A refusal, as clients get it. */
export type Problem = z.output<typeof problemSchema>;
