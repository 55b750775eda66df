import * as z from "zod/mini";
import { readStored, removeStored, storedNames, writeStored } from "../sessions/stored-value.js";
import { notebookFrom, notebookJson } from "./ipynb.js";
import type { NotebookDocument } from "./notebook-document.js";

const cellState = z.object({
  id: z.string(),
  executionId: z.optional(z.string()),
  isStale: z.boolean(),
  /** `left`: it ran or waited when the page was left. */
  phase: z.enum(["idle", "waiting", "left", "finished"]),
  status: z.optional(
    z.enum(["ok", "error", "interrupted", "timed_out", "kernel_died", "cancelled"]),
  ),
  durationMs: z.optional(z.number()),
  detail: z.optional(z.string()),
});

const saved = z.object({
  version: z.literal(1),
  savedAt: z.number(),
  name: z.optional(z.string()),
  /** The interpreter that ran its cells. */
  interpreter: z.optional(z.string()),
  notebook: z.unknown(),
  cells: z.array(cellState),
  isWithoutOutputs: z.optional(z.boolean()),
});

/** How a cell stood when it was saved. */
export type CellState = z.infer<typeof cellState>;

/** A notebook as the browser keeps it, with how its cells stood. */
export interface SavedNotebook {
  document: NotebookDocument;
  name: string | undefined;
  /** The interpreter that ran its cells, as `Runner` names it. */
  interpreter: string | undefined;
  cells: readonly CellState[];
  /** Outputs were too much for the browser's storage: they come back from the session, while it lives. */
  isWithoutOutputs: boolean;
}

/** What became of saving. */
export type SaveResult = "saved" | "saved-without-outputs" | "not-saved";

const PREFIX = "hotcell.notebook.";
/** Notebooks of more sessions than this are forgotten, the oldest first. */
const MOST_KEPT = 30;

function parse(text: string | undefined): z.infer<typeof saved> | undefined {
  try {
    return text === undefined ? undefined : z.safeParse(saved, JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The notebook of a session, as this browser last had it. */
export function loadNotebook(sessionId: string): SavedNotebook | undefined {
  const found = parse(readStored("local", PREFIX + sessionId));
  if (!found) return undefined;
  try {
    return {
      document: notebookFrom(found.notebook),
      name: found.name,
      interpreter: found.interpreter,
      cells: found.cells,
      isWithoutOutputs: found.isWithoutOutputs === true,
    };
  } catch {
    return undefined;
  }
}

/** Keeps the notebook of a session; without outputs where they do not fit. */
export function saveNotebook(
  sessionId: string,
  { document, name, interpreter, cells }: Omit<SavedNotebook, "isWithoutOutputs">,
): SaveResult {
  const write = (content: NotebookDocument, isWithoutOutputs: boolean) =>
    writeStored(
      "local",
      PREFIX + sessionId,
      JSON.stringify({
        version: 1,
        savedAt: Date.now(),
        name,
        interpreter,
        notebook: notebookJson(content),
        cells: [...cells],
        isWithoutOutputs,
      } satisfies z.infer<typeof saved>),
    );
  if (write(document, false)) return "saved";
  forgetOldest(sessionId, 0);
  if (write(document, false)) return "saved";
  const withoutOutputs = document.cells.map((cell) => ({ ...cell, outputs: [] }));
  if (write({ ...document, cells: withoutOutputs }, true)) return "saved-without-outputs";
  return "not-saved";
}

/** Forgets the notebooks that were saved longest ago, but for the named one and as many more as given. */
export function forgetOldest(except: string, keep = MOST_KEPT): void {
  const others = storedNames("local", PREFIX)
    .filter((name) => name !== PREFIX + except)
    .map((name) => ({ name, savedAt: parse(readStored("local", name))?.savedAt ?? 0 }))
    .sort((one, other) => other.savedAt - one.savedAt);
  for (const { name } of others.slice(keep)) removeStored("local", name);
}

/** Whether a change of the browser's storage, by another tab, is of that session's notebook. */
export function isNotebookOf(sessionId: string, change: StorageEvent): boolean {
  return change.storageArea === localStorage && change.key === PREFIX + sessionId;
}
