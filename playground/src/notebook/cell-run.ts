import { batch } from "@preact/signals";
import type { Execution, ExecutionEvent } from "../../../src/client/index.js";
import type { Cell } from "./cell.js";
import { endWords, type FinishedEvent } from "./end-words.js";
import { frameBatch } from "./frame-batch.js";
import type { OutputFolding, RichEvent } from "./output-folding.js";

type StartedEvent = Extract<ExecutionEvent, { type: "execution_started" }>;
type InputEvent = Extract<ExecutionEvent, { type: "input_request" }>;

export interface CellRunOptions {
  cell: Cell;
  execution: Execution;
  folding: OutputFolding;
  /** Whether a question is still open: one that is met again after a reload may have been answered. */
  isAsking: () => Promise<boolean>;
  onStarted: (event: StartedEvent) => void;
  /** A display that another cell made is to change. */
  onForeignUpdate: (event: RichEvent) => void;
}

/**
 * Follows an execution to its end and shows it in its cell.
 * @returns how it ended
 * @throws HotcellError where it could not be followed to the end; the cell then shows what came before
 */
export async function followExecution(options: CellRunOptions): Promise<FinishedEvent> {
  const { cell, execution, folding } = options;
  const drawing = frameBatch(() => {
    cell.outputs.value = folding.outputs();
  });
  try {
    for await (const event of execution) {
      folding.add(event);
      switch (event.type) {
        case "execution_started":
          start(cell, event);
          options.onStarted(event);
          // What an earlier run left stays until this one begins.
          drawing.ask();
          break;
        case "update_display_data":
          if (event.display_id !== undefined && !folding.shows(event.display_id))
            options.onForeignUpdate(event);
          else drawing.ask();
          break;
        case "input_request":
          drawing.ask();
          drawing.flush();
          await ask(options, event);
          break;
        case "execution_finished":
          drawing.ask();
          drawing.flush();
          finish(cell, event);
          return event;
        case "queued":
        case "deadline":
        case "comm_open":
        case "comm_msg":
        case "comm_close":
          break;
        case "stream":
        case "display_data":
        case "execute_result":
        case "error":
        case "clear_output":
        case "output_truncated":
        case "gap":
          drawing.ask();
      }
    }
    throw new Error("The gateway ended the stream before the execution");
  } finally {
    drawing.cancel();
    cell.input.value = undefined;
  }
}

function start(cell: Cell, event: StartedEvent): void {
  batch(() => {
    // The gateway's clock may differ from this one's.
    cell.run.value = { phase: "running", since: Math.min(Date.now(), Date.parse(event.at)) };
    cell.executionCount.value = event.execution_count ?? null;
    cell.isStale.value = false;
  });
}

function finish(cell: Cell, event: FinishedEvent): void {
  batch(() => {
    cell.executionCount.value = event.execution_count ?? cell.executionCount.value;
    cell.run.value = {
      phase: "finished",
      status: event.status,
      durationMs: event.duration_ms,
      detail: endWords(event),
    };
  });
}

/** Shows a question where it is still open, and what was typed as part of the output. */
async function ask(
  { cell, execution, folding, isAsking }: CellRunOptions,
  event: InputEvent,
): Promise<void> {
  const echo = (answer: string) => {
    const { n, at, execution_id } = event;
    folding.add({
      type: "stream",
      n,
      at,
      execution_id,
      name: "stdout",
      text: `${event.prompt}${answer}\n`,
    });
    cell.outputs.value = folding.outputs();
  };
  if (!(await isAsking())) {
    echo("");
    return;
  }
  cell.input.value = {
    prompt: event.prompt,
    password: event.password,
    async submit(value) {
      await execution.input(value, { n: event.n });
      cell.input.value = undefined;
      echo(event.password ? "••••••" : value);
    },
  };
}
