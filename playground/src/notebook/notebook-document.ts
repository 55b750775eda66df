import type { Output } from "../../../src/kernels/output.js";

export const CELL_KINDS = ["code", "markdown", "raw"] as const;
export type CellKind = (typeof CELL_KINDS)[number];

/** What a notebook file had besides what the playground knows: it is written back as it was. */
export type Unknown = Record<string, unknown>;

/** One cell as plain data; text is whole, whatever the file's form was. */
export interface CellDocument {
  id: string;
  kind: CellKind;
  source: string;
  metadata: Unknown;
  /** Empty for cells that hold no code. */
  outputs: Output[];
  executionCount: number | null;
  /** Further fields of the cell: attachments, and what later formats add. */
  rest: Unknown;
}

/** A notebook as plain data. */
export interface NotebookDocument {
  cells: CellDocument[];
  metadata: Unknown;
  /** Further fields of the file. */
  rest: Unknown;
}

/** A cell id as nbformat 4.5 allows it: 1 to 64 letters, digits, `-` and `_`. */
export function makeCellId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A cell without outputs. */
export function newCell(kind: CellKind, source = ""): CellDocument {
  return {
    id: makeCellId(),
    kind,
    source,
    metadata: {},
    outputs: [],
    executionCount: null,
    rest: {},
  };
}

/** A notebook in Python with these cells. */
export function newNotebook(cells: CellDocument[] = [newCell("code")]): NotebookDocument {
  return {
    cells,
    metadata: {
      kernelspec: { display_name: "Python 3", language: "python", name: "python3" },
      language_info: { name: "python", file_extension: ".py", mimetype: "text/x-python" },
    },
    rest: {},
  };
}
