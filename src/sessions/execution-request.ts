import { z } from "zod";
import {
  clientIdSchema,
  environmentSchema,
  languageSchema,
  pathSchema,
  sessionOptionsShape,
  textSchema,
} from "./session-options.js";

export const executionRequestShape = {
  code: textSchema.describe(
    "Source code. Over HTTP a single fenced block of Markdown stands for its content",
  ),
  kernel: z.uuid().optional().describe("Which kernel of the session; the default one otherwise"),
  language: languageSchema
    .optional()
    .describe("Run in the session's kernel for this language; starts one where none runs"),
  timeout_s: z
    .number()
    .positive()
    .max(7 * 24 * 3600)
    .optional()
    .describe(
      "Deadline from the start of the execution: interrupt, grace, then kill. 120 by default",
    ),
  env: environmentSchema.optional().describe("Environment variables for this execution only"),
  cwd: pathSchema.optional().describe("Working directory for this execution only"),
  stdin: z
    .union([z.enum(["deny", "ask"]), z.array(textSchema).max(10_000)])
    .optional()
    .describe(
      "What input() gets: an error, an `input_request` event, or these lines. `deny` by default",
    ),
  max_output_bytes: z
    .int()
    .min(0)
    .max(1024 ** 3)
    .optional()
    .describe("Text past it is left out, but for the last 64 KiB of each stream. 1 MiB by default"),
  on_disconnect: z
    .enum(["continue", "cancel"])
    .optional()
    .describe("What happens when this client goes away before the end. `continue` by default"),
  execution_id: clientIdSchema
    .optional()
    .describe("Chosen by the client, the same id and body join that execution; made otherwise"),
  expect_generation: z
    .int()
    .min(1)
    .optional()
    .describe("Refuse when the kernel is another generation"),
  silent: z.boolean().optional(),
  store_history: z.boolean().optional(),
  stop_on_error: z.boolean().optional().describe("An error aborts what is queued behind it"),
  queue: z.boolean().optional().describe("`false`: refuse when the kernel is busy"),
};

export const executionRequestSchema = z
  .strictObject(executionRequestShape)
  .refine((body) => body.kernel === undefined || body.language === undefined, {
    message: "is either given by kernel or by language",
    path: ["language"],
  })
  .meta({ id: "ExecutionRequest" });

export type ExecutionRequest = z.output<typeof executionRequestSchema>;

/** One call that makes the session on first use and executes in it. */
export const executeRequestSchema = z
  .strictObject({
    ...sessionOptionsShape,
    ...executionRequestShape,
    env: environmentSchema
      .optional()
      .describe("Environment variables of the session, on first use"),
    cwd: pathSchema.optional().describe("Working directory of the session's kernels, on first use"),
    session: clientIdSchema.optional().describe("The session's id; a new session otherwise"),
  })
  .meta({ id: "ExecuteRequest" });

export type ExecuteRequest = z.output<typeof executeRequestSchema>;

/** Defaults of an execution where the request is silent. */
export const EXECUTION_DEFAULTS = {
  max_output_bytes: 1024 * 1024,
  stdin: "deny",
  silent: false,
  store_history: true,
  stop_on_error: false,
  queue: true,
} as const;
