import { batch, effect, untracked } from "@preact/signals";
import type { SessionOptions } from "../../src/client/index.js";
import { announce } from "./layout/announcer.jsx";
import { type Autosave, autosave } from "./notebook/autosave.js";
import { exampleNotebook } from "./notebook/example-notebook.js";
import { newNotebook, type NotebookDocument } from "./notebook/notebook-document.js";
import { createNotebook, type Notebook } from "./notebook/notebook.js";
import { runWords } from "./notebook/run-words.js";
import { createRunner, type Runner } from "./notebook/runner.js";
import {
  type CellState,
  forgetOldest,
  loadNotebook,
  type SavedNotebook,
} from "./notebook/saved-notebook.js";
import { type CurrentSession, currentSession, makeSessionId } from "./sessions/current-session.js";
import { connectGateway, type Gateway } from "./sessions/gateway.js";

/** The parts of the page, put together. */
export interface Playground {
  readonly gateway: Gateway;
  readonly session: CurrentSession;
  readonly notebook: Notebook;
  readonly runner: Runner;
  readonly autosave: Autosave;
  /** Goes over to a new session, which the first run makes, with this notebook, an empty one or the example. */
  startSession: (options: SessionOptions, content: NotebookChoice) => void;
  /** Shows another document in the same session; what runs there goes on, unseen. */
  replaceNotebook: (document: NotebookDocument, name: string) => void;
  /** Shows the notebook as another tab has saved it. */
  reloadNotebook: () => void;
  /** Goes over to a session that exists, and to its notebook as this browser last had it. */
  openSession: (id: string) => Promise<void>;
}

export type NotebookChoice = "keep" | "empty" | "example";

/** Puts the page's parts together, and goes on where an earlier page of this browser stopped. */
export function createPlayground(): Playground {
  const gateway = connectGateway();
  const session = currentSession(gateway);
  const saved = loadNotebook(session.id.value);
  const notebook = createNotebook(saved?.document ?? exampleNotebook());
  const runner = createRunner(notebook, session, gateway, (cell) => {
    announce(`Cell ${notebook.indexOf(cell.id) + 1}: ${runWords(cell.run.value)}`);
  });
  if (saved) restore(saved);
  const saving = autosave(notebook, runner, session.id);
  forgetOldest(session.id.value);
  let leaving = new AbortController();
  void goOn(saved);

  effect(() => {
    if (session.state.value.phase === "ended") untracked(runner.markStale);
  });

  /** Leaves the session to itself; what runs there goes on. */
  function leave(): void {
    saving.flush();
    runner.detach();
    leaving.abort(new DOMException("The page goes over to another session", "AbortError"));
    leaving = new AbortController();
  }

  /** Finds the session again, and what of it the page missed. */
  async function goOn(from: SavedNotebook | undefined): Promise<void> {
    const { signal } = leaving;
    try {
      await findSession(signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    if (from) resumeRuns(from);
  }

  async function findSession(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await session.find(signal);
        return;
      } catch {
        signal.throwIfAborted();
        // Where the gateway answered, a run will show what is wrong.
        if (gateway.connection.value === "online") return;
        await gateway.whenOnline(signal);
      }
    }
  }

  function restore(from: SavedNotebook): void {
    restoreRuns(notebook, from.cells);
    runner.interpreter.value = from.interpreter;
    if (from.name !== undefined) notebook.name.value = from.name;
  }

  function resumeRuns(from: SavedNotebook): void {
    const cellsIn = (phases: string[]) =>
      from.cells
        .filter((state) => phases.includes(state.phase))
        .map((state) => notebook.find(state.id))
        .filter((cell) => cell !== undefined);
    if (session.state.value.phase === "live") {
      const withOutputs = from.isWithoutOutputs ? cellsIn(["finished"]) : [];
      runner.resume([...withOutputs, ...cellsIn(["left"])], cellsIn(["waiting"]));
      return;
    }
    batch(() => {
      for (const cell of cellsIn(["left", "waiting"]))
        cell.run.value = {
          phase: "finished",
          status: "cancelled",
          durationMs: 0,
          detail: "The session ended while this page was away.",
        };
    });
  }

  return {
    gateway,
    session,
    notebook,
    runner,
    autosave: saving,
    startSession(options, content) {
      const document = {
        keep: () => notebook.document(),
        empty: () => newNotebook(),
        example: exampleNotebook,
      }[content]();
      leave();
      batch(() => {
        session.use(makeSessionId(), options);
        notebook.open(document, content === "keep" ? notebook.name.value : undefined);
        runner.markStale();
      });
    },
    replaceNotebook(document, name) {
      runner.detach();
      notebook.open(document, name);
    },
    reloadNotebook() {
      const from = loadNotebook(session.id.value);
      if (!from) return;
      runner.detach();
      batch(() => {
        notebook.open(from.document);
        restore(from);
      });
      resumeRuns(from);
    },
    async openSession(id) {
      if (id === session.id.value) return;
      leave();
      const from = loadNotebook(id);
      batch(() => {
        session.use(id);
        notebook.open(from?.document ?? newNotebook());
        if (from) restore(from);
      });
      await goOn(from);
    },
  };
}

/** How cells stood when they were saved. */
function restoreRuns(notebook: Notebook, cells: readonly CellState[]): void {
  for (const state of cells) {
    const cell = notebook.find(state.id);
    if (!cell) continue;
    cell.executionId.value = state.executionId;
    cell.isStale.value = state.isStale;
    if (state.phase === "left" || state.phase === "waiting") cell.run.value = { phase: "queued" };
    else if (state.phase === "finished" && state.status !== undefined)
      cell.run.value = {
        phase: "finished",
        status: state.status,
        durationMs: state.durationMs ?? 0,
        detail: state.detail,
      };
  }
}
