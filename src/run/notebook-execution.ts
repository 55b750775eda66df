import { HotcellError } from "../client/index.js";
import type { EventOf, FinishedEvent } from "../kernels/event.js";
import { NotebookFolding } from "../kernels/notebook-folding.js";
import { outputJson } from "../kernels/notebook-json.js";
import { isJsonType, validOutput } from "../kernels/notebook.js";
import { type Artifact, wholeOutput } from "../kernels/whole-output.js";
import type { ExecutionRequest } from "../sessions/execution-request.js";
import { exitCodeOf, RUN_EXIT } from "./exit-code.js";
import { type ExecutionContext, interruptible } from "./execution.js";
import { type FileCell, hasTag, type NotebookFile, sourceOf } from "./notebook-file.js";

/** Text of a cell past this is left out in the middle: a file is to be opened by somebody. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** Largest value that is fetched to be put into the file. */
const LARGEST_VALUE_BYTES = 64 * 1024 * 1024;

export interface NotebookContext extends ExecutionContext {
  file: NotebookFile;
  /** Whether to go on after a cell that raised an exception. */
  allowErrors: boolean;
}

interface Executed {
  finished: FinishedEvent;
  error: EventOf<"error"> | undefined;
}

/**
 * Executes a notebook cell by cell until one fails, and writes it with what its cells said, however it ended: cells that
 * were not reached stay as they were. Returns the exit code.
 * @throws HotcellError, the reason of `signals.stopped`, and what writing throws
 */
export async function executeNotebook(
  context: NotebookContext,
  request: Omit<ExecutionRequest, "code">,
): Promise<number> {
  const { file, terminal } = context;
  const cells = file.document.cells.filter(isToBeExecuted);
  const folding = new NotebookFolding();
  const executed: { cell: FileCell; execution: string }[] = [];
  try {
    for (const [index, cell] of cells.entries()) {
      const name = `Cell ${index + 1} of ${cells.length}`;
      if (terminal.watched) await terminal.say(name);
      const ended = await executeCell(context, cell, request, (execution) => {
        folding.begin(execution.id);
        executed.push({ cell, execution: execution.id });
        return folding;
      });
      cell["execution_count"] = ended.finished.execution_count;
      const exitCode =
        ended.finished.status === "cancelled" && context.signals.interrupted.aborted
          ? RUN_EXIT.interrupted
          : exitCodeOf(ended.finished, ended.error);
      if (exitCode === RUN_EXIT.ok && ended.finished.status === "ok") continue;
      const mayFail = context.allowErrors || hasTag(cell, "raises-exception");
      if (ended.finished.status === "error" && mayFail) continue;
      await tell(context, name, ended);
      return exitCode;
    }
    return RUN_EXIT.ok;
  } finally {
    if (executed.length > 0) {
      for (const { cell, execution } of executed) {
        cell["outputs"] = await outputsOf(context, folding, execution);
      }
      await terminal.say(`Wrote ${await file.write()}`);
    }
  }
}

function isToBeExecuted(cell: FileCell): boolean {
  if (cell.cell_type !== "code" || hasTag(cell, "skip-execution")) return false;
  if (sourceOf(cell).trim() !== "") return true;
  Object.assign(cell, { outputs: [], execution_count: null });
  return false;
}

async function executeCell(
  context: NotebookContext,
  cell: FileCell,
  request: Omit<ExecutionRequest, "code">,
  begin: (execution: { id: string }) => NotebookFolding,
): Promise<Executed> {
  const { session, signals, terminal } = context;
  const execution = session.stream(sourceOf(cell).toWellFormed(), {
    max_output_bytes: MAX_OUTPUT_BYTES,
    ...request,
    on_disconnect: "cancel",
    stdin: "deny",
    signal: signals.stopped,
  });
  await execution.accepted();
  Object.assign(cell, { outputs: [], execution_count: null });
  const folding = begin(execution);
  let error: EventOf<"error"> | undefined;
  return interruptible({ signals, terminal }, execution, async () => {
    for await (const event of execution) {
      folding.add(event);
      if (event.type === "error") error = event;
      if (event.type === "execution_finished") return { finished: event, error };
    }
    throw new HotcellError("answer_invalid", "The execution has no end");
  });
}

/** Why the notebook was not executed to its end. */
async function tell(
  { terminal }: NotebookContext,
  name: string,
  { finished, error }: Executed,
): Promise<void> {
  if (error !== undefined) {
    const traceback = error.traceback.join("\n");
    await terminal.printLines("stderr", traceback || `${error.ename}: ${error.evalue}`);
  }
  const reason = finished.reason === undefined ? "" : `: ${finished.reason}`;
  await terminal.say(`${name} ended as ${finished.status}${reason}; those behind it were not run`);
}

async function outputsOf(
  { session, signals }: NotebookContext,
  folding: NotebookFolding,
  execution: string,
): Promise<Record<string, unknown>[]> {
  const read = async ({ href, mime, bytes }: Artifact): Promise<unknown> => {
    if (bytes > LARGEST_VALUE_BYTES || signals.stopped.aborted) return undefined;
    try {
      const options = { signal: signals.stopped };
      const value = await session.execution(execution).artifact(href, options);
      const text = new TextDecoder().decode(value);
      return isJsonType(mime) ? (JSON.parse(text) as unknown) : text;
    } catch {
      // What the cells said is worth more than one value of theirs.
      return undefined;
    }
  };
  const outputs: Record<string, unknown>[] = [];
  for (const output of folding.outputs(execution)) {
    outputs.push(outputJson(validOutput(await wholeOutput(output, read))));
  }
  return outputs;
}
