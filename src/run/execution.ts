import { randomUUID } from "node:crypto";
import type { EventOf } from "../kernels/event.js";
import { outputSchema } from "../kernels/output.js";
import { runStatus } from "../sandboxes/journal-record.js";
import type { ExecutionRequest } from "../sessions/execution-request.js";
import { z } from "zod";
import { type EventPrinter } from "./event-printer.js";
import { exitCodeOf, RUN_EXIT } from "./exit-code.js";
import { type GatewayClient, GatewayError } from "./gateway-client.js";
import { InputEnded, type LineInput } from "./line-input.js";
import type { RunSignals } from "./signals.js";
import type { Terminal } from "./terminal.js";

/** As much text as the API gives: what is streamed goes where the caller wants it, and is not gathered anywhere. */
const MAX_OUTPUT_BYTES = 1024 ** 3;

/** Where an execution happens, and who may stop it. */
export interface ExecutionContext {
  client: GatewayClient;
  session: string;
  terminal: Terminal;
  signals: Pick<RunSignals, "interrupted" | "stopped">;
}

/** What the gathered answer must have for the exit code to be found. */
const answerSchema = z.object({
  status: z.enum(["queued", "running", ...runStatus.options]),
  reason: z.string().optional(),
  outputs: z.array(outputSchema),
});

/** Passes a first Ctrl+C on to the execution while `work` lasts. */
async function interruptible<T>(
  { client, session, signals, terminal }: ExecutionContext,
  execution: string,
  work: () => Promise<T>,
): Promise<T> {
  let asked: Promise<void> | undefined;
  const interrupt = (): void => {
    asked = client.interrupt(session, execution).catch(async (error: unknown) => {
      const { code } = error as Partial<GatewayError>;
      if (code !== "execution_finished") {
        await terminal.say(`The code could not be interrupted: ${(error as Error).message}`);
      }
    });
  };
  if (signals.interrupted.aborted) interrupt();
  else signals.interrupted.addEventListener("abort", interrupt, { once: true });
  try {
    return await work();
  } finally {
    signals.interrupted.removeEventListener("abort", interrupt);
    await asked;
  }
}

/** Answers input requests one after the other, until the execution is over. */
function inputAnswers(
  { client, session, terminal, signals }: ExecutionContext,
  execution: string,
  ask: LineInput | undefined,
): { answer(request: EventOf<"input_request">): void; close(): Promise<void> } {
  const over = new AbortController();
  let last = Promise.resolve();
  const answer = async (request: EventOf<"input_request">): Promise<void> => {
    try {
      if (ask === undefined) return;
      const value = await ask(request, AbortSignal.any([over.signal, signals.interrupted]));
      await client.input(session, execution, value.toWellFormed());
    } catch (error) {
      if (over.signal.aborted || signals.interrupted.aborted) return;
      const { code } = error as Partial<GatewayError>;
      if (code === "not_waiting_for_input" || code === "execution_finished") return;
      if (!(error instanceof InputEnded)) throw error;
      await terminal.say("The input has ended: interrupting");
      await client.interrupt(session, execution);
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
 * @throws GatewayError, the reason of `signals.stopped`, and what writing to the terminal throws
 */
export async function executeOnTerminal(
  context: ExecutionContext & { printer: EventPrinter; ask: LineInput | undefined },
  request: ExecutionRequest,
): Promise<number> {
  const { client, session, terminal, printer, signals, ask } = context;
  const execution = `run-${randomUUID()}`;
  const accepted = await client.execute(
    session,
    {
      max_output_bytes: MAX_OUTPUT_BYTES,
      ...request,
      execution_id: execution,
      on_disconnect: "cancel",
      stdin: ask === undefined ? "deny" : "ask",
    },
    signals.stopped,
  );
  const inputs = inputAnswers(context, execution, ask);
  try {
    return await interruptible(context, execution, async () => {
      for await (const event of accepted.events()) {
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
        const code = exitCodeOf(event, printer.error);
        return code === RUN_EXIT.ok && printer.incomplete ? RUN_EXIT.notRun : code;
      }
      throw new GatewayError("The execution has no end");
    });
  } finally {
    await inputs.close();
  }
}

/**
 * Runs code and returns the gathered answer as one line of JSON that a terminal may show, and the exit code.
 * @throws GatewayError, and the reason of `signals.stopped`
 */
export async function executeAsJson(
  context: ExecutionContext,
  request: ExecutionRequest,
): Promise<{ json: string; exitCode: number }> {
  const { client, session, signals } = context;
  const execution = `run-${randomUUID()}`;
  const accepted = await client.gather(
    session,
    { ...request, execution_id: execution, on_disconnect: "cancel", stdin: "deny" },
    signals.stopped,
  );
  const json = await interruptible(context, execution, () => accepted.json());
  const answer = answerSchema.safeParse(parsed(json));
  if (!answer.success)
    throw new GatewayError("The connection to the gateway ended before the execution did");
  const { status, reason, outputs } = answer.data;
  if (status === "queued" || status === "running") {
    throw new GatewayError("The gateway's answer ended before the execution did");
  }
  const error = outputs.findLast((output) => output.output_type === "error");
  const exitCode =
    status === "cancelled" && signals.interrupted.aborted
      ? RUN_EXIT.interrupted
      : exitCodeOf({ status, reason }, error);
  return { json: escapeControls(json), exitCode };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}

/** JSON escapes C0; DEL and C1, which only strings can hold, are control characters to terminals too. */
function escapeControls(json: string): string {
  return json.replace(
    /[\u007f-\u009f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
