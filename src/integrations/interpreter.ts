import {
  type Execution,
  type ExecutionEvent,
  Hotcell,
  HotcellError,
  type HotcellOptions,
  type SessionOptions,
} from "../client/index.js";
import { Gathering } from "../kernels/gathering.js";
import type { ModelImageLimits } from "../streaming/model-image.js";
import { unfenced } from "../tools/code-fence.js";
import { filesMadeSince, type MadeFile } from "./made-files.js";
import { type InterpreterResult, modelParts } from "./model-parts.js";
import { type GivenFile, SessionByKey } from "./session-by-key.js";

/** How code from models is run. */
export interface InterpreterOptions {
  /** What sessions are made with: image, limits, lifetime, files, environment variables. */
  session?: Omit<SessionOptions, "id" | "signal"> | undefined;
  /** Deadline of runs for which the model sets none, in seconds; the gateway's own by default. */
  timeout_s?: number | undefined;
  /** The longest deadline that the model may set, in seconds; 600 by default. */
  max_timeout_s?: number | undefined;
  /** Text past it is left out of a run's output; the gateway's own bound, 1 MiB, by default. */
  max_output_bytes?: number | undefined;
  /** How many images the model is given of a run, and how large they may be; `{ count: 0 }` for models that see none. */
  images?: Partial<ModelImageLimits> | undefined;
  /** Whether the model is told of files that a run has made. `true` by default; costs a short call for each run. */
  files?: boolean | undefined;
}

export interface InterpreterRun {
  sessionId: string;
  /** As the model has sent it. */
  code: string;
  /** The deadline that the model has asked for, in seconds. */
  timeout_s?: number | undefined;
  /** Cancels the run. */
  signal?: AbortSignal | undefined;
  /** Told of each event before it is yielded. */
  onEvent?: ((event: ExecutionEvent) => void) | undefined;
}

const MAX_TIMEOUT_S = 600;

/** How long the gateway may take to cancel a run whose caller has gone. */
const CANCEL_WITHIN_MS = 5_000;

/** Runs code for models, in sessions that are made on first use. */
export class Interpreter {
  readonly sessions: SessionByKey;
  readonly #client: Hotcell;

  /** `gateway`: a client, or what one is made from. */
  constructor(
    gateway: Hotcell | HotcellOptions,
    private readonly options: InterpreterOptions,
  ) {
    this.#client = gateway instanceof Hotcell ? gateway : new Hotcell(gateway);
    this.sessions = new SessionByKey(this.#client);
  }

  /**
   * Runs code, event by event; returns what the model should read. Code that fails is a result. Throws HotcellError where
   * the gateway refuses or is away, and the signal's reason, after the run was cancelled.
   */
  async *run(run: InterpreterRun): AsyncGenerator<ExecutionEvent, InterpreterResult, undefined> {
    const { sessionId, signal } = run;
    await this.sessions.meet(sessionId, signal);
    signal?.throwIfAborted();
    const leaving = new AbortController();
    const execution = this.#client.stream(unfenced(run.code), {
      ...this.options.session,
      session: sessionId,
      timeout_s: this.#deadline(run.timeout_s),
      max_output_bytes: this.options.max_output_bytes,
      signal: leaving.signal,
    });
    const gathering = new Gathering();
    let replaced = false;
    for await (const event of cancelledOnLeave(execution, signal, leaving)) {
      if (event.type === "execution_started") replaced = this.sessions.started(sessionId, event);
      gathering.add(event);
      run.onEvent?.(event);
      yield event;
    }
    signal?.throwIfAborted();
    const gathered = gathering.result();
    const { started } = gathered;
    const files = started === undefined ? [] : await this.#files(sessionId, started.at, signal);
    const { images } = this.options;
    return modelParts({ execution, gathered, files, replaced, images });
  }

  /** Gives files to the session, each once for as long as it lives. Throws as every call to the gateway does. */
  async give(
    sessionId: string,
    files: readonly GivenFile[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.sessions.give(sessionId, files, { ...this.options.session, signal });
  }

  /** The same as `run`, for who has no use for events. */
  async result(run: InterpreterRun): Promise<InterpreterResult> {
    const events = this.run(run);
    for (;;) {
      const next = await events.next();
      if (next.done === true) return next.value;
    }
  }

  #deadline(asked: number | undefined): number | undefined {
    if (asked === undefined || !(asked > 0)) return this.options.timeout_s;
    return Math.min(asked, this.options.max_timeout_s ?? MAX_TIMEOUT_S);
  }

  /** None where the session has ended with the run: what the run said is still worth reading. */
  async #files(
    id: string,
    startedAt: string,
    signal: AbortSignal | undefined,
  ): Promise<MadeFile[]> {
    if (this.options.files === false) return [];
    try {
      const session = await this.sessions.session(id, signal);
      return await filesMadeSince(session, new Date(startedAt), signal);
    } catch (error) {
      if (error instanceof HotcellError) return [];
      throw error;
    }
  }
}

/**
 * An execution's events. It is cancelled where the signal says so, or nobody reads on; the connection to it, which
 * `leaving` ends, stays until then.
 */
async function* cancelledOnLeave(
  execution: Execution,
  signal: AbortSignal | undefined,
  leaving: AbortController,
): AsyncGenerator<ExecutionEvent, void, undefined> {
  let open = false;
  let cancelled: Promise<void> | undefined;
  const cancel = (): void => {
    cancelled ??= cancelExecution(execution).finally(() => leaving.abort(signal?.reason));
  };
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    for await (const event of execution) {
      open = event.type !== "execution_finished";
      yield event;
    }
  } catch (error) {
    open = false;
    throw error;
  } finally {
    signal?.removeEventListener("abort", cancel);
    if (open) cancel();
    await cancelled;
  }
}

/** Cancels an execution that was sent; one that has ended, or whose gateway is away, is left to its deadline. */
async function cancelExecution(execution: Execution): Promise<void> {
  const late = AbortSignal.timeout(CANCEL_WITHIN_MS);
  const given = new Promise<never>((_resolve, reject) => {
    late.addEventListener("abort", () => reject(late.reason as Error), { once: true });
  });
  try {
    await Promise.race([execution.accepted(), given]);
    await execution.cancel({ signal: late });
  } catch {
    // Nobody waits for it any more.
  }
}
