import { createHash } from "node:crypto";
import {
  isJsonType,
  languageMetadata,
  type Notebook,
  type NotebookCell,
  validOutput,
} from "../kernels/notebook.js";
import { NotebookFolding } from "../kernels/notebook-folding.js";
import type { Output } from "../kernels/output.js";
import { recordEvent } from "../kernels/record-event.js";
import { type Artifact, wholeOutput } from "../kernels/whole-output.js";
import type { ByteStream } from "../sandboxes/byte-stream.js";
import type { CallOptions } from "../sandboxes/call.js";
import type { KerneldCell } from "../sandboxes/cells.js";
import type { GapRecord } from "../sandboxes/journal-record.js";
import type { KerneldClient } from "../sandboxes/kerneld-client.js";
import { KerneldError } from "../sandboxes/kerneld-error.js";
import type { KernelObject } from "../sandboxes/kernels.js";
import { RawJson } from "../sandboxes/raw-json.js";

/** How much of values that are kept beside the journal is put into one notebook. */
const MOST_ARTIFACT_BYTES = 64 * 1024 * 1024;

/** More than a journal keeps: an endless one is a sandbox gone wrong. */
const MOST_CHARACTERS = 96 * 1024 * 1024;

export interface NotebookSource {
  sessionId: string;
  /** None while the session has no kernel. */
  kernel: KernelObject | undefined;
  kerneld: Pick<KerneldClient, "cells" | "journal" | "artifacts">;
}

/**
 * What a kernel has executed so far, as a notebook: its cells in the order in which they began, with what the journal
 * still has of their output. What is missing is said in Markdown cells.
 * @throws LinkError, KerneldError, the signal's reason
 */
export async function sessionNotebook(
  { sessionId, kernel, kerneld }: NotebookSource,
  options: CallOptions = {},
): Promise<Notebook> {
  if (kernel === undefined) return document({}, []);
  const { forgotten, cells } = await kerneld.cells.read(kernel.id, options);
  const folding = new NotebookFolding();
  for (const { run } of cells) folding.begin(run);
  const gaps: GapRecord[] = [];
  const { signal } = options;
  // Not of this kernel alone: what another one updates may be shown here, and gaps are told exactly.
  for await (const record of kerneld.journal({ after: 0, follow: false, signal })) {
    if (record.kind === "gap") gaps.push(record);
    if (record.kind !== "message" || record.run === null) continue;
    const event = recordEvent(record, { id: record.run, sessionId });
    if (event !== undefined) folding.add(event);
    if (folding.characters > MOST_CHARACTERS) break;
  }
  const values = new ArtifactValues(kerneld.artifacts, options);
  const made: NotebookCell[] = forgotten === 0 ? [] : [missingCells(forgotten)];
  let incomplete = 0;
  for (const cell of cells) {
    const isIncomplete = gaps.some((gap) => overlaps(cell, gap));
    if (!isIncomplete && incomplete > 0) made.push(missingOutput(incomplete, made.length));
    incomplete = isIncomplete ? incomplete + 1 : 0;
    const outputs: Output[] = [];
    for (const output of folding.outputs(cell.run)) {
      outputs.push(await wholeOutput(output, (artifact) => values.read(artifact)));
    }
    made.push(codeCell(cell, outputs));
  }
  if (incomplete > 0) made.push(missingOutput(incomplete, made.length));
  return document(languageMetadata(kernel.language, kernel.language_version ?? ""), made);
}

function document(metadata: Record<string, unknown>, cells: NotebookCell[]): Notebook {
  return { nbformat: 4, nbformat_minor: 5, metadata, cells };
}

function codeCell(cell: KerneldCell, outputs: Output[]): NotebookCell {
  const times = {
    ...(cell.started_at === null ? {} : { "iopub.execute_input": isoTime(cell.started_at) }),
    ...(cell.finished_at === null ? {} : { "shell.execute_reply": isoTime(cell.finished_at) }),
  };
  return {
    cell_type: "code",
    id: cellId(cell.run),
    metadata: {
      execution: times,
      hotcell: {
        execution_id: cell.run,
        generation: cell.generation,
        status: cell.status ?? "running",
      },
    },
    source: cell.source.toWellFormed(),
    execution_count: cell.execution_count,
    outputs: outputs.map(validOutput),
  };
}

function missingCells(count: number): NotebookCell {
  const what = count === 1 ? "One earlier cell is" : `${count} earlier cells are`;
  return markdown("forgotten", `*${what} not kept any more.*`);
}

function missingOutput(cells: number, index: number): NotebookCell {
  const where = cells === 1 ? "the cell above" : `the ${cells} cells above`;
  return markdown(
    `missing-${index}`,
    `*Output of ${where} may be missing: it is not kept any more.*`,
  );
}

function markdown(id: string, source: string): NotebookCell {
  return { cell_type: "markdown", id: `hotcell-${id}`, metadata: {}, source };
}

/** Executions may have ids that cells may not. */
function cellId(execution: string): string {
  if (/^(?!hotcell-)[A-Za-z0-9_-]{1,64}$/.test(execution)) return execution;
  return createHash("sha256").update(execution).digest("hex").slice(0, 32);
}

function overlaps({ first_n, last_n }: KerneldCell, gap: GapRecord): boolean {
  return first_n !== null && first_n <= gap.to && (last_n ?? Infinity) >= gap.from;
}

const isoTime = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** Reads MIME values that were too large for their record, as far as there is room. */
class ArtifactValues {
  #left = MOST_ARTIFACT_BYTES;

  constructor(
    private readonly artifacts: KerneldClient["artifacts"],
    private readonly options: CallOptions,
  ) {}

  /** `undefined` for one that is not there any more, or too much. */
  async read({ mime, bytes, href }: Artifact): Promise<unknown> {
    if (bytes > this.#left) return undefined;
    this.#left -= bytes;
    const stream = await this.#open(href.slice(href.lastIndexOf("/") + 1));
    if (stream === undefined || stream.length > bytes) {
      stream?.close();
      return undefined;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString("utf8").toWellFormed();
    return isJsonType(mime) ? (RawJson.from(text) ?? undefined) : text;
  }

  async #open(id: string): Promise<ByteStream | undefined> {
    try {
      return await this.artifacts.read(id, this.options);
    } catch (error) {
      // The oldest are forgotten; user code can also claim some that never were.
      if (error instanceof KerneldError) return undefined;
      throw error;
    }
  }
}
