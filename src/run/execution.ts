import type { Execution, Session } from "../client/index.js";
import { HotcellError } from "../client/index.js";
import type { EventOf } from "../kernels/event.js";
import type { ExecutionRequest } from "../sessions/execution-request.js";
import { eventPrinter } from "./event-printer.js";
import { exitCodeOf, RUN_EXIT } from "./exit-code.js";
import type { FigureFiles } from "./figure-files.js";
import { InputEnded, type LineInput } from "./line-input.js";
import type { RunSignals } from "./signals.js";
import type { Terminal } from "./terminal.js";

/** As much text as the API gives: what is streamed goes where the caller wants it, and is not gathered anywhere. */
const MAX_OUTPUT_BYTES = 1024 ** 3;

/** Where an execution happens, and who may stop it. */
export interface ExecutionContext {
  session: Session;
  terminal: Terminal;
  signals: Pick<RunSignals, "interrupted" | "stopped">;
}

/** What of an execution on the terminal is the caller's to say. */
export interface TerminalContext extends ExecutionContext {
  figures: FigureFiles;
  /** Whether later calls may use the session. */
  sessionStays: boolean;
  /** Asks for input, where somebody can answer. */
  ask: LineInput | undefined;
}

/** Passes a first Ctrl+C on to the execution while `work`, which has it sent, lasts. */
export async function interruptible<T>(
  { signals, terminal }: Pick<ExecutionContext, "signals" | "terminal">,
  execution: Execution,
  work: () => Promise<T>,
): Promise<T> {
  let asked: Promise<void> | undefined;
  const interrupt = (): void => {
    asked = execution.interrupt().catch(async (error: unknown) => {
      const { code } = error as Partial<HotcellError>;
      if (code !== "execution_finished") {
        await terminal.say(`The code could not be interrupted: ${(error as Error).message}`);
      }
    });
  };
  const working = work();
  if (signals.interrupted.aborted) interrupt();
  else signals.interrupted.addEventListener("abort", interrupt, { once: true });
  try {
    return await working;
  } finally {
    signals.interrupted.removeEventListener("abort", interrupt);
    await asked;
  }
}

/** Answers input requests one after the other, until the execution is over. */
function inputAnswers(
  { terminal, signals, ask }: TerminalContext,
  execution: Execution,
): { answer(request: EventOf<"input_request">): void; close(): Promise<void> } {
  const over = new AbortController();
  let last = Promise.resolve();
  const answer = async (request: EventOf<"input_request">): Promise<void> => {
    try {
      if (ask === undefined) return;
      const value = await ask(request, AbortSignal.any([over.signal, signals.interrupted]));
      await execution.input(value.toWellFormed(), { n: request.n });
    } catch (error) {
      if (over.signal.aborted || signals.interrupted.aborted) return;
      const { code } = error as Partial<HotcellError>;
      if (code === "not_waiting_for_input" || code === "execution_finished") return;
      if (!(error instanceof InputEnded)) throw error;
      await terminal.say("The input has ended: interrupting");
      await execution.interrupt();
    }
  };
  return {
    answer: (request) => {
      last = last
        .then(() => answer(request))
        .catch((error: unknown) =>
          terminal.say(`The input could not be sent: ${(error as Error).message}`),
        );
    },
    close: async () => {
      over.abort();
      await last;
    },
  };
}

/**
 * Runs code and shows what it says as it comes; returns the exit code.
 * @throws HotcellError, the reason of `signals.stopped`, and what writing to the terminal throws
 */
export async function executeOnTerminal(
  context: TerminalContext,
  { code, ...request }: ExecutionRequest,
): Promise<number> {
  const { session, terminal, signals, ask } = context;
  const execution = session.stream(code, {
    max_output_bytes: MAX_OUTPUT_BYTES,
    ...request,
    on_disconnect: "cancel",
    stdin: ask === undefined ? "deny" : "ask",
    signal: signals.stopped,
  });
  const printer = eventPrinter({
    ...context,
    artifact: ({ href }) => execution.artifact(href, { signal: signals.stopped }),
  });
  await execution.accepted();
  const inputs = inputAnswers(context, execution);
  try {
    return await interruptible(context, execution, async () => {
      for await (const event of execution) {
        if (event.type === "input_request") {
          inputs.answer(event);
          continue;
        }
        await printer.print(event);
        if (event.type !== "execution_finished") continue;
        if (printer.error?.ename === "StdinNotImplementedError" && ask === undefined) {
          await terminal.say("input() is answered only where standard input is a terminal");
        }
        if (event.status === "cancelled" && signals.interrupted.aborted)
          return RUN_EXIT.interrupted;
        const exitCode = exitCodeOf(event, printer.error);
        return exitCode === RUN_EXIT.ok && printer.incomplete ? RUN_EXIT.notRun : exitCode;
      }
      throw new HotcellError("answer_invalid", "The execution has no end");
    });
  } finally {
    await inputs.close();
  }
}

/**
 * Runs code and returns the gathered answer as one line of JSON that a terminal may show, and the exit code.
 * @throws HotcellError, and the reason of `signals.stopped`
 */
export async function executeAsJson(
  context: ExecutionContext,
  { code, ...request }: ExecutionRequest,
): Promise<{ json: string; exitCode: number }> {
  const { session, signals } = context;
  const execution = session.stream(code, {
    ...request,
    on_disconnect: "cancel",
    stdin: "deny",
    signal: signals.stopped,
  });
  const result = await interruptible(context, execution, () => execution.result());
  const { status, reason, outputs } = result;
  if (status === "queued" || status === "running") {
    throw new HotcellError("answer_invalid", "The execution has no end");
  }
  const error = outputs.findLast((output) => output.output_type === "error");
  const exitCode =
    status === "cancelled" && signals.interrupted.aborted
      ? RUN_EXIT.interrupted
      : exitCodeOf({ status, reason }, error);
  return { json: escapeControls(JSON.stringify(result)), exitCode };
}

/** JSON escapes C0; DEL and C1, which only strings can hold, are control characters to terminals too. */
function escapeControls(json: string): string {
  return json.replace(
    /[\u007f-\u009f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
