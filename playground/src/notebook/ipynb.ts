import * as z from "zod/mini";
import { lines, outputJson } from "../../../src/kernels/notebook-json.js";
import { type CellDocument, makeCellId, type NotebookDocument } from "./notebook-document.js";

/** A file that is not a notebook the playground can open; the message says why, for people. */
export class NotebookFormatError extends Error {
  override readonly name = "NotebookFormatError";
}

const object = z.record(z.string(), z.unknown());

/** Text as nbformat has it: one string, or its lines with their ends. */
const multiline = z.pipe(
  z.union([z.string(), z.array(z.string())]),
  z.transform((text) => (typeof text === "string" ? text : text.join(""))),
);

/** Whether a bundle's value is JSON itself, which stays as it is. */
function isJsonType(mediaType: string): boolean {
  return /^application\/(?:json|.*\+json)$/.test(mediaType);
}

const bundle = z.pipe(
  object,
  z.transform((data) =>
    Object.fromEntries(
      Object.entries(data).map(([type, value]) => [
        type,
        !isJsonType(type) && Array.isArray(value) ? value.join("") : value,
      ]),
    ),
  ),
);

const rich = { data: bundle, metadata: z.catch(object, {}) };

const output = z.discriminatedUnion("output_type", [
  z.looseObject({
    output_type: z.literal("stream"),
    name: z.catch(z.enum(["stdout", "stderr"]), "stdout"),
    text: multiline,
  }),
  z.looseObject({ output_type: z.literal("display_data"), ...rich }),
  z.looseObject({
    output_type: z.literal("execute_result"),
    execution_count: z.catch(z.nullable(z.int()), null),
    ...rich,
  }),
  z.looseObject({
    output_type: z.literal("error"),
    ename: z.string(),
    evalue: z.string(),
    traceback: z.array(z.string()),
  }),
]);

const cell = z.looseObject({
  id: z.optional(z.string()),
  cell_type: z.enum(["code", "markdown", "raw"]),
  source: multiline,
  metadata: z.optional(object),
  outputs: z.optional(z.array(output)),
  execution_count: z.optional(z.nullable(z.int())),
});

const notebook = z.looseObject({
  nbformat: z.literal(4),
  nbformat_minor: z.int(),
  metadata: z.optional(object),
  cells: z.array(cell),
});

const CELL_ID = /^[a-zA-Z0-9_-]{1,64}$/;

/** `cells[3].source` of an issue's path. */
function place(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === "number" ? `[${String(key + 1)}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "")
    .replace(/^cells\[(\d+)\]\.?/, "cell $1, ");
}

function explain(issue: { path: readonly PropertyKey[]; message: string }): string {
  const where = place(issue.path).replace(/, $/, "");
  return where === "" ? issue.message : `${where}: ${issue.message}`;
}

/**
 * Reads a notebook file. Cells without an id of their own, or with one that is taken, get one.
 * @throws NotebookFormatError for what is no notebook of nbformat 4
 */
export function readNotebook(text: string): NotebookDocument {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new NotebookFormatError("The file is not a notebook: it is not JSON.");
  }
  return notebookFrom(content);
}

/**
 * A notebook from the JSON of its file.
 * @throws NotebookFormatError as `readNotebook`
 */
export function notebookFrom(content: unknown): NotebookDocument {
  const version = z.safeParse(z.looseObject({ nbformat: z.int() }), content);
  if (!version.success)
    throw new NotebookFormatError("The file is not a notebook: it does not say its nbformat.");
  if (version.data.nbformat !== 4) {
    throw new NotebookFormatError(
      `The notebook has nbformat ${version.data.nbformat}; version 4 can be opened. JupyterLab converts others by saving them.`,
    );
  }
  const parsed = z.safeParse(notebook, content);
  if (!parsed.success) {
    const first = parsed.error.issues[0];
    throw new NotebookFormatError(
      `The notebook is not valid${first ? `: ${explain(first)}` : ""}.`,
    );
  }
  const { cells, metadata, nbformat: _major, nbformat_minor: _minor, ...rest } = parsed.data;
  const taken = new Set<string>();
  return {
    cells: cells.map((entry): CellDocument => {
      const { id: given, cell_type, source, metadata, outputs, execution_count, ...others } = entry;
      const isUsable = given !== undefined && CELL_ID.test(given) && !taken.has(given);
      const id = isUsable ? given : makeCellId();
      taken.add(id);
      return {
        id,
        kind: cell_type,
        source,
        metadata: metadata ?? {},
        outputs: cell_type === "code" ? (outputs ?? []) : [],
        executionCount: execution_count ?? null,
        rest: others,
      };
    }),
    metadata: metadata ?? {},
    rest,
  };
}

/** The notebook as the JSON of an nbformat 4.5 file. */
export function notebookJson(document: NotebookDocument): Record<string, unknown> {
  return {
    ...document.rest,
    cells: document.cells.map((entry) => ({
      ...entry.rest,
      cell_type: entry.kind,
      id: entry.id,
      metadata: entry.metadata,
      source: lines(entry.source),
      ...(entry.kind === "code"
        ? { execution_count: entry.executionCount, outputs: entry.outputs.map(outputJson) }
        : {}),
    })),
    metadata: document.metadata,
    nbformat: 4,
    nbformat_minor: 5,
  };
}

/** The notebook as a file that JupyterLab opens: nbformat 4.5, indented by one as Jupyter does. */
export function writeNotebook(document: NotebookDocument): string {
  return `${JSON.stringify(notebookJson(document), null, 1)}\n`;
}
