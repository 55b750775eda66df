import {
  batch,
  computed,
  effect,
  type ReadonlySignal,
  type Signal,
  signal,
  untracked,
} from "@preact/signals";
import { type Execution, HotcellError, type Session } from "../../../src/client/index.js";
import type { CurrentSession } from "../sessions/current-session.js";
import type { Gateway } from "../sessions/gateway.js";
import { isOver, refusalWords } from "../sessions/session-end.js";
import { type Cell, isActive } from "./cell.js";
import { followExecution } from "./cell-run.js";
import { deathWords, type FinishedEvent } from "./end-words.js";
import type { Notebook } from "./notebook.js";
import { type OutputFolding, outputFolding } from "./output-folding.js";

/** Runs the notebook's cells in the session, one after the other. */
export interface Runner {
  /** Cells that wait for their turn, in order. */
  readonly queue: ReadonlySignal<readonly string[]>;
  /** The cell whose execution is followed now. */
  readonly running: ReadonlySignal<Cell | undefined>;
  /** The interpreter that ran the cells, by kernel and generation; nothing before the first run. */
  readonly interpreter: Signal<string | undefined>;
  /** Told plainly when what cells defined is gone. */
  readonly lostState: ReadonlySignal<string | undefined>;
  run: (cells: readonly Cell[]) => void;
  /** Goes on with executions of an earlier page: those that were being followed, and the cells that waited. */
  resume: (followed: readonly Cell[], waiting: readonly Cell[]) => void;
  interrupt: () => Promise<void>;
  /** A fresh interpreter. */
  restart: () => Promise<void>;
  dismissLostState: () => void;
  /** What the cells' runs defined is gone. */
  markStale: () => void;
  /** Leaves everything as it is: executions go on in the session. */
  detach: () => void;
}

/** Text of one cell up to this size is shown; the gateway drops the middle of what is longer. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
/** Cells of notebooks may take long; what runs for longer than a day is ended. */
const TIMEOUT_S = 24 * 3600;

const CONNECTION_ERRORS = ["gateway_unreachable", "gateway_timeout", "unauthenticated"];

/** Runs cells of the notebook in the current session. */
export function createRunner(
  notebook: Notebook,
  current: CurrentSession,
  gateway: Gateway,
  onEnd: (cell: Cell) => void,
): Runner {
  const queue = signal<readonly string[]>([]);
  const running = signal<Cell | undefined>(undefined);
  const lostState = signal<string | undefined>(undefined);
  const foldings = new WeakMap<Cell, OutputFolding>();
  let execution: Execution | undefined;
  let detaching = new AbortController();
  let isWorking = false;
  const interpreter = signal<string | undefined>(undefined);

  const markStale = () =>
    batch(() => {
      for (const cell of notebook.cells.value)
        cell.isStale.value = cell.executionCount.value !== null;
    });

  const loseState = (words: string) =>
    batch(() => {
      markStale();
      lostState.value = words;
    });

  const unqueue = (words: string | undefined) =>
    batch(() => {
      for (const id of queue.value) {
        const cell = notebook.find(id);
        if (!cell) continue;
        cell.run.value =
          words === undefined
            ? { phase: "idle" }
            : { phase: "finished", status: "cancelled", durationMs: 0, detail: words };
      }
      queue.value = [];
    });

  /** Follows to the end, through lost connections that outlast the client's patience. */
  const follow = async (cell: Cell, session: Session, first: Execution, isNew: boolean) => {
    const { signal } = detaching;
    let isLive = isNew;
    for (let followed = first; ; followed = session.execution(first.id, { signal })) {
      execution = followed;
      const folding = outputFolding();
      foldings.set(cell, folding);
      try {
        return await followExecution({
          cell,
          execution: followed,
          folding,
          isAsking: async () =>
            isLive || (await gateway.isWaitingForInput(session.id, first.id, signal)),
          onStarted({ kernel_id, generation, state }) {
            const name = `${kernel_id} ${generation}`;
            const isOther = interpreter.value !== undefined && interpreter.value !== name;
            if (isLive && isOther && state === "fresh") {
              loseState("The interpreter is a fresh one.");
              cell.isStale.value = false;
            }
            interpreter.value = name;
          },
          onForeignUpdate(event) {
            for (const other of notebook.cells.value) {
              const owner = foldings.get(other);
              if (owner?.shows(event.display_id ?? "") !== true) continue;
              owner.add(event);
              other.outputs.value = owner.outputs();
            }
          },
        });
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof HotcellError) || !CONNECTION_ERRORS.includes(error.code))
          throw error;
        await gateway.whenOnline(signal);
        isLive = false;
      }
    }
  };

  const start = async (cell: Cell): Promise<FinishedEvent> => {
    const { signal } = detaching;
    const session = await current.ensure(signal);
    const begun = session.stream(cell.source.value, {
      stdin: "ask",
      timeout_s: TIMEOUT_S,
      max_output_bytes: MAX_OUTPUT_BYTES,
      stop_on_error: true,
      signal,
    });
    cell.executionId.value = begun.id;
    return follow(cell, session, begun, true);
  };

  const afterEnd = (finished: FinishedEvent) => {
    if (finished.state === "lost") {
      loseState(deathWords(finished.reason));
      interpreter.value = undefined;
      unqueue("Not run: the interpreter ended before.");
    } else if (finished.status !== "ok") {
      unqueue(
        `Not run: the cell before it ${finished.status === "error" ? "failed" : "was stopped"}.`,
      );
    }
  };

  const failed = (cell: Cell, error: unknown) => {
    const detail = error instanceof Error ? error.message : String(error);
    if (isOver(error)) current.markEnded(refusalWords(error));
    cell.run.value = { phase: "finished", status: "cancelled", durationMs: 0, detail };
    unqueue("Not run.");
  };

  /** Works until nothing is left to do: first what was begun before, then the queue. */
  const work = async (begun: readonly Cell[]) => {
    if (isWorking) return;
    isWorking = true;
    const { signal } = detaching;
    const attended = async (cell: Cell, act: () => Promise<FinishedEvent>) => {
      running.value = cell;
      try {
        afterEnd(await act());
      } catch (error) {
        if (!signal.aborted) failed(cell, error);
      } finally {
        if (!signal.aborted) {
          onEnd(cell);
          execution = undefined;
          running.value = undefined;
        }
      }
    };
    for (const cell of begun) {
      const id = cell.executionId.value;
      if (id === undefined || signal.aborted) continue;
      await attended(cell, async () => {
        const session = await current.ensure(signal);
        return follow(cell, session, session.execution(id, { signal }), false);
      });
    }
    while (queue.value.length > 0 && !signal.aborted) {
      const [id = "", ...rest] = queue.value;
      queue.value = rest;
      const cell = notebook.find(id);
      if (cell) await attended(cell, () => start(cell));
    }
    if (!signal.aborted) isWorking = false;
    void current.refresh();
  };

  const enqueue = (cells: readonly Cell[]) =>
    batch(() => {
      for (const cell of cells) cell.run.value = { phase: "queued" };
      queue.value = [...queue.value, ...cells.map((cell) => cell.id)];
    });

  // An interpreter can die while no cell runs, and while no page looks.
  effect(() => {
    const kernel = current.view.value?.kernels[0];
    const [id, generation] = untracked(() => interpreter.value?.split(" ") ?? []);
    if (kernel === undefined || id !== kernel.id || kernel.generation <= Number(generation)) return;
    untracked(() => {
      if (running.value !== undefined) return;
      interpreter.value = undefined;
      loseState(deathWords(kernel.last_death?.reason));
    });
  });

  return {
    queue,
    running: computed(() => running.value),
    interpreter,
    lostState: computed(() => lostState.value),
    run(cells) {
      const wanted = cells.filter(
        (cell) => cell.kind.value === "code" && cell.source.value.trim() !== "" && !isActive(cell),
      );
      enqueue(wanted);
      void work([]);
    },
    resume(followed, waiting) {
      enqueue(waiting);
      void work(followed);
    },
    async interrupt() {
      unqueue(undefined);
      if (execution) await execution.interrupt();
      else if (current.state.value.phase === "live") await current.state.value.session.interrupt();
    },
    async restart() {
      unqueue(undefined);
      const state = current.state.value;
      if (state.phase !== "live") return;
      await state.session.restart();
      interpreter.value = undefined;
      loseState("The interpreter was restarted.");
      await current.refresh();
    },
    dismissLostState() {
      lostState.value = undefined;
    },
    markStale,
    detach() {
      detaching.abort(new DOMException("The notebook went over to another session", "AbortError"));
      detaching = new AbortController();
      batch(() => {
        queue.value = [];
        running.value = undefined;
        lostState.value = undefined;
        interpreter.value = undefined;
      });
      execution = undefined;
      isWorking = false;
    },
  };
}
