import { effect, type ReadonlySignal, signal } from "@preact/signals";
import { type Cell, isActive } from "./cell.js";
import type { Notebook } from "./notebook.js";
import type { Runner } from "./runner.js";
import {
  type CellState,
  isNotebookOf,
  loadNotebook,
  type SaveResult,
  saveNotebook,
} from "./saved-notebook.js";

export interface Autosave {
  /** What became of the last save. */
  readonly result: ReadonlySignal<SaveResult>;
  /** Another tab has saved another state of this notebook. */
  readonly isChangedElsewhere: ReadonlySignal<boolean>;
  /** Saves now what is not saved yet. */
  flush: () => void;
  close: () => void;
}

/** How long after a change it is saved, in milliseconds: typing is not to wait for storage. */
const PAUSE_MS = 400;

function stateOf(cell: Cell, runner: Runner): CellState {
  const run = cell.run.value;
  const common = {
    id: cell.id,
    executionId: cell.executionId.value,
    isStale: cell.isStale.value,
  };
  if (run.phase === "finished")
    return {
      ...common,
      phase: "finished",
      status: run.status,
      durationMs: run.durationMs,
      detail: run.detail,
    };
  if (run.phase === "idle") return { ...common, phase: "idle" };
  return { ...common, phase: runner.queue.value.includes(cell.id) ? "waiting" : "left" };
}

/** Reads what is kept: an effect that does so runs again when it changes. Outputs that stream count when the run ends. */
function watched({ cells, name }: Notebook, { queue, interpreter }: Runner): unknown[] {
  const ofCells = cells.value.map((cell) => [
    cell.source.value,
    cell.kind.value,
    cell.isStale.value,
    cell.executionId.value,
    cell.run.value,
    isActive(cell) ? undefined : cell.outputs.value,
  ]);
  return [ofCells, queue.value, interpreter.value, name.value];
}

/** Keeps the notebook of the session in this browser as it changes. */
export function autosave(
  notebook: Notebook,
  runner: Runner,
  sessionId: ReadonlySignal<string>,
): Autosave {
  const result = signal<SaveResult>("saved");
  const isChangedElsewhere = signal(false);
  const closing = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isFirst = true;

  const save = () => {
    clearTimeout(timer);
    timer = undefined;
    result.value = saveNotebook(sessionId.value, {
      document: notebook.document(),
      name: notebook.name.value,
      interpreter: runner.interpreter.value,
      cells: notebook.cells.value.map((cell) => stateOf(cell, runner)),
    });
    isChangedElsewhere.value = false;
  };
  const flush = () => {
    if (timer !== undefined) save();
  };

  const stop = effect(() => {
    watched(notebook, runner);
    if (isFirst) {
      isFirst = false;
      return;
    }
    timer ??= setTimeout(save, PAUSE_MS);
  });
  window.addEventListener("pagehide", flush, { signal: closing.signal });
  document.addEventListener("visibilitychange", flush, { signal: closing.signal });

  window.addEventListener(
    "storage",
    (change) => {
      if (!isNotebookOf(sessionId.value, change)) return;
      const other = loadNotebook(sessionId.value)?.document;
      isChangedElsewhere.value =
        other !== undefined && JSON.stringify(other) !== JSON.stringify(notebook.document());
    },
    { signal: closing.signal },
  );

  return {
    result,
    isChangedElsewhere,
    flush,
    close() {
      flush();
      stop();
      closing.abort();
    },
  };
}
