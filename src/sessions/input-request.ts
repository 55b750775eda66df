import { z } from "zod";
import { textSchema } from "./session-options.js";

/** An answer to an `input_request`. */
export const inputRequestShape = {
  value: textSchema,
  n: z
    .int()
    .min(1)
    .optional()
    .describe("The number of the `input_request` that this answers: no other one takes it"),
};
