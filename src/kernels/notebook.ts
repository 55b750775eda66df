import { z } from "zod";
import { RawJson } from "../sandboxes/raw-json.js";
import { type Output, outputSchema } from "./output.js";

/** The media type of notebooks, as Jupyter Server and JupyterLab name it. */
export const NOTEBOOK_TYPE = "application/x-ipynb+json";

const object = z.record(z.string(), z.unknown());

const cellCommon = {
  id: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
  metadata: object,
  source: z.string(),
};

/** A cell as nbformat 4.5 defines it, as far as sessions make them. */
export const notebookCellSchema = z.discriminatedUnion("cell_type", [
  z.object({
    cell_type: z.literal("code"),
    ...cellCommon,
    execution_count: z.int().min(0).nullable(),
    outputs: z.array(outputSchema),
  }),
  z.object({ cell_type: z.literal("markdown"), ...cellCommon }),
]);

/** A notebook as nbformat 4.5 defines it. */
export const notebookSchema = z
  .object({
    nbformat: z.literal(4),
    nbformat_minor: z.literal(5),
    metadata: object,
    cells: z.array(notebookCellSchema),
  })
  .meta({ id: "Notebook", description: "A document of nbformat 4.5" });

export type NotebookCell = z.output<typeof notebookCellSchema>;
export type Notebook = z.output<typeof notebookSchema>;

/** What a notebook says of the language it is in: `kernelspec` and `language_info`. */
export function languageMetadata(language: string, version: string): Record<string, unknown> {
  const versioned = version === "" ? {} : { version };
  if (language !== "python") {
    const kernelspec = { name: language, display_name: language, language };
    return { kernelspec, language_info: { name: language, ...versioned } };
  }
  return {
    kernelspec: { name: "python3", display_name: "Python 3", language },
    language_info: {
      name: language,
      ...versioned,
      mimetype: "text/x-python",
      file_extension: ".py",
      codemirror_mode: { name: "ipython", version: 3 },
      nbconvert_exporter: "python",
      pygments_lexer: "ipython3",
    },
  };
}

/** Whether a bundle's value may be any JSON (nbformat's `mimebundle`); every other one is text. */
export function isJsonType(mediaType: string): boolean {
  return /^application\/(?:.*\+)?json$/.test(mediaType);
}

/** The output with what nbformat would refuse made text: kernels may send any value for any media type. */
export function validOutput(output: Output): Output {
  if (output.output_type !== "display_data" && output.output_type !== "execute_result") {
    return output;
  }
  const data = Object.entries(output.data).map(([type, value]) => [
    type,
    isJsonType(type) ? value : textOf(value),
  ]);
  return { ...output, data: Object.fromEntries(data) as Record<string, unknown> };
}

function textOf(value: unknown): unknown {
  if (typeof value === "string") return value;
  if (value instanceof RawJson) return value.text;
  if (Array.isArray(value) && value.every((line) => typeof line === "string")) return value;
  return JSON.stringify(value);
}
