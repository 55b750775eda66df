import { z } from "zod";
import { environmentSchema, languageSchema, pathSchema, textSchema } from "./session-options.js";

/** What a client may say of a kernel that it adds to a session. */
export const kernelRequestSchema = z
  .strictObject({
    language: languageSchema,
    name: textSchema.min(1).max(200).optional().describe("For people: need not be unique"),
    cwd: pathSchema
      .optional()
      .describe("Where its code runs, made where it is missing; the session's by default"),
    env: environmentSchema
      .optional()
      .describe("Environment variables, besides those of the session and over them"),
  })
  .meta({ id: "KernelRequest" });

export type KernelRequest = z.output<typeof kernelRequestSchema>;
