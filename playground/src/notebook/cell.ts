import { signal, type Signal } from "@preact/signals";
import type { CellOutput } from "../outputs/cell-output.js";
import type { CellDocument, CellKind, Unknown } from "./notebook-document.js";
import { nextOutputKey } from "./output-key.js";

/** How an execution ended, in the gateway's words. */
export type RunStatus = "ok" | "error" | "interrupted" | "timed_out" | "kernel_died" | "cancelled";

/** How a cell stands with its last run. Times are in milliseconds, `since` as `Date.now()` has it. */
export type RunState =
  | { phase: "idle" }
  | { phase: "queued" }
  | { phase: "running"; since: number }
  | {
      phase: "finished";
      status: RunStatus;
      durationMs: number;
      /** Words about an end that is not the code's own. */
      detail?: string | undefined;
    };

/** What `input()` waits for. */
export interface PendingInput {
  prompt: string;
  password: boolean;
  submit: (value: string) => Promise<void>;
}

/** A cell as the page shows it. */
export interface Cell {
  readonly id: string;
  readonly kind: Signal<CellKind>;
  readonly source: Signal<string>;
  readonly outputs: Signal<readonly CellOutput[]>;
  readonly executionCount: Signal<number | null>;
  readonly run: Signal<RunState>;
  /** The interpreter that ran it is gone, and with it what it defined. */
  readonly isStale: Signal<boolean>;
  /** Its last execution, by which the gateway knows it. */
  readonly executionId: Signal<string | undefined>;
  readonly input: Signal<PendingInput | undefined>;
  /** Whether Markdown is shown rendered. */
  readonly isRendered: Signal<boolean>;
  readonly metadata: Unknown;
  readonly rest: Unknown;
}

/** A cell of a document; Markdown with text in it starts rendered. */
export function cellFrom(document: CellDocument): Cell {
  return {
    id: document.id,
    kind: signal(document.kind),
    source: signal(document.source),
    outputs: signal(document.outputs.map((output) => ({ ...output, key: nextOutputKey() }))),
    executionCount: signal(document.executionCount),
    run: signal<RunState>({ phase: "idle" }),
    isStale: signal(false),
    executionId: signal<string | undefined>(undefined),
    input: signal<PendingInput | undefined>(undefined),
    isRendered: signal(document.kind === "markdown" && document.source.trim() !== ""),
    metadata: document.metadata,
    rest: document.rest,
  };
}

/** The cell as plain data. Reads its signals: an effect that calls this follows the cell. */
export function documentOf(cell: Cell): CellDocument {
  const isCode = cell.kind.value === "code";
  return {
    id: cell.id,
    kind: cell.kind.value,
    source: cell.source.value,
    metadata: cell.metadata,
    outputs: isCode ? cell.outputs.value.map(({ key: _key, ...output }) => output) : [],
    executionCount: isCode ? cell.executionCount.value : null,
    rest: cell.rest,
  };
}

/** Whether a cell waits for its turn or runs. */
export function isActive(cell: Cell): boolean {
  const { phase } = cell.run.value;
  return phase === "queued" || phase === "running";
}
