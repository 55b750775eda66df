import { z } from "zod";

/**
 * What a model may say when it calls the tool. The names are those of `POST /v1/execute`, so that the arguments are its
 * body.
 */
export const runCodeSchema = z.object({
  code: z.string().describe("The source code to run, without Markdown fences"),
  session: z
    .string()
    .optional()
    .describe(
      "Leave out to go on in this conversation's own session. Another name (letters, digits, hyphens) is another session with variables and files of its own.",
    ),
  timeout_s: z
    .number()
    .optional()
    .describe("Seconds after which the code is stopped; 120 when left out"),
});

export type RunCodeArguments = z.output<typeof runCodeSchema>;

/** The tool that runs code, as models are told of it. */
export const RUN_CODE = {
  name: "run_code",
  description: [
    "Runs Python code in a Jupyter kernel and returns what it prints, the value of its last expression, errors with their traceback, and figures as images.",
    "Variables, imports and files stay for later calls: build on them instead of repeating work.",
    "numpy, pandas, scipy, matplotlib, seaborn, plotly, scikit-learn and sympy are installed. There is no network.",
    "Files are in the working directory /workspace. Figures are shown without plt.show().",
    "When code fails, read the traceback, mend the code and call again.",
  ].join(" "),
} as const;
