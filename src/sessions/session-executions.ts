import type { FastifyBaseLogger } from "fastify";
import type { Notebook } from "../kernels/notebook.js";
import type { ByteStream } from "../sandboxes/byte-stream.js";
import type { CallOptions } from "../sandboxes/call.js";
import { isTerminal, type JournalRecord } from "../sandboxes/journal-record.js";
import type { RunObject } from "../sandboxes/runs.js";
import { EXECUTION_DEFAULTS, type ExecutionRequest } from "./execution-request.js";
import { Execution, executionView } from "./execution.js";
import { makeId } from "./id.js";
import { OpenRuns } from "./open-runs.js";
import type { RunLog } from "./run-log.js";
import type { AdoptedSandbox } from "./sandbox-adoption.js";
import type { AssignedSandbox } from "./sandbox-start.js";
import { sessionNotebook } from "./session-notebook.js";
import type { ExecutionView } from "./session-view.js";

export interface SessionExecutionsServices {
  sessionId: string;
  /** What those get that do not say. */
  defaults: { timeout_s: number; grace_s: number };
  /** The session's sandbox, once it runs; throws what keeps it from running. */
  sandbox(): Promise<AssignedSandbox>;
  /** Runs `work` and throws what a client may be told of its failure. */
  ask<T>(work: Promise<T>): Promise<T>;
  /** The same for what must not be done twice: `shutting_down` then says that it was not done. */
  tell<T>(work: Promise<T>): Promise<T>;
  /** The session was used. */
  touch(): void;
  /** kerneld has not ended one in its time. */
  onOverdue(): void;
  runLog: RunLog;
  log: FastifyBaseLogger;
}

/** The executions of one session. Everything throws HotcellError. */
export class SessionExecutions {
  readonly #runs: OpenRuns;

  constructor(private readonly services: SessionExecutionsServices) {
    this.#runs = new OpenRuns(() => services.onOverdue());
  }

  /** How many have not ended. */
  get open(): number {
    return this.#runs.size;
  }

  /** Accepts an execution: when this resolves, it will run, and end in exactly one terminal event. */
  async execute(request: ExecutionRequest): Promise<Execution> {
    const assigned = await this.services.sandbox();
    const kernel = await this.services.ask(assigned.kernels.choose(request));
    const id = request.execution_id ?? makeId("exe");
    const timeout_s = request.timeout_s ?? this.services.defaults.timeout_s;
    const { grace_s } = this.services.defaults;
    this.services.touch();
    const isNew = this.#runs.add(id, { timeout_s, grace_s });
    const { feed } = assigned;
    feed.expect({ run: id, kernel });
    const before = feed.lastNumber;
    const logged = this.#log(this.services.runLog.accepted({ run: id, kernel }));
    try {
      const run = await this.services.ask(
        assigned.kerneld.runs.put(id, {
          kernel,
          code: request.code,
          timeout_s,
          grace_s,
          env: request.env ?? null,
          cwd: request.cwd ?? null,
          stdin: request.stdin ?? EXECUTION_DEFAULTS.stdin,
          max_output_bytes: request.max_output_bytes ?? EXECUTION_DEFAULTS.max_output_bytes,
          expect_generation: request.expect_generation ?? null,
          silent: request.silent ?? EXECUTION_DEFAULTS.silent,
          store_history: request.store_history ?? EXECUTION_DEFAULTS.store_history,
          stop_on_error: request.stop_on_error ?? EXECUTION_DEFAULTS.stop_on_error,
          queue: request.queue ?? EXECUTION_DEFAULTS.queue,
        }),
      );
      if (run.state === "finished") this.#runs.delete(id);
      await logged;
      return this.#handle(assigned, run, before);
    } catch (error) {
      if (isNew && feed.terminal(id) === undefined) {
        this.#runs.delete(id);
        feed.forget(id);
      }
      throw error;
    }
  }

  /** One that was accepted. Throws `execution_not_found`, `execution_forgotten`. */
  async get(id: string): Promise<Execution> {
    const assigned = await this.services.sandbox();
    const run = await this.services.ask(assigned.kerneld.runs.get(id));
    if (run.state !== "finished") assigned.feed.expect({ run: id, kernel: run.kernel });
    return this.#handle(assigned, run, 0);
  }

  /** Recent ones, newest first. */
  async list(): Promise<ExecutionView[]> {
    const { runs } = (await this.services.sandbox()).kerneld;
    return (await this.services.ask(runs.list())).map((run) =>
      executionView(this.services.sessionId, run),
    );
  }

  async interrupt(execution: string): Promise<void> {
    const { runs } = (await this.services.sandbox()).kerneld;
    await this.services.ask(runs.interrupt(execution));
  }

  /**
   * Answers a question of a run, that of event `n` alone where it is given. `shutting_down` says that the answer was not
   * taken: another gateway may be asked.
   */
  async input(execution: string, value: string, n?: number): Promise<void> {
    const { runs } = (await this.services.sandbox()).kerneld;
    this.services.touch();
    await this.services.tell(runs.input(execution, n === undefined ? { value } : { value, n }));
  }

  async cancel(execution: string): Promise<ExecutionView> {
    const { runs } = (await this.services.sandbox()).kerneld;
    return executionView(this.services.sessionId, await this.services.ask(runs.cancel(execution)));
  }

  async artifact(id: string): Promise<ByteStream> {
    const { artifacts } = (await this.services.sandbox()).kerneld;
    return this.services.ask(artifacts.read(id));
  }

  /** What a kernel has executed so far, the default one where it is not said, as a notebook. */
  async notebook(kernel: string | undefined, options: CallOptions = {}): Promise<Notebook> {
    const { kernels, kerneld } = await this.services.sandbox();
    const id = (kernel ?? kernels.known[0]?.id)?.toLowerCase();
    const about = id === undefined ? undefined : await this.services.ask(kernels.get(id, options));
    return this.services.ask(
      sessionNotebook({ sessionId: this.services.sessionId, kernel: about, kerneld }, options),
    );
  }

  /**
   * Goes on watching what an earlier gateway has asked for. Resolves when how the `missed` runs ended would survive this
   * gateway: nobody is told of it before.
   */
  async adopt({ unended, missed }: Pick<AdoptedSandbox, "unended" | "missed">): Promise<void> {
    for (const { id, timeout_s, grace_s, started_at } of unended) {
      this.#runs.add(id, { timeout_s, grace_s }, started_at ?? undefined);
    }
    await Promise.all(missed.map((record) => this.#log(this.services.runLog.ended(record))));
  }

  /** Takes note of a record as it comes in. */
  see(record: JournalRecord): void {
    this.#runs.see(record);
    if (isTerminal(record)) void this.#log(this.services.runLog.ended(record));
  }

  /** Watches nothing any more. Idempotent. */
  close(): void {
    this.#runs.close();
  }

  /** A run log that cannot be written keeps nothing from running. */
  #log(written: Promise<void>): Promise<void> {
    return written.catch((error: unknown) => {
      this.services.log.error(
        { err: error, session_id: this.services.sessionId },
        "the run log was not written",
      );
    });
  }

  #handle(assigned: AssignedSandbox, run: RunObject, before: number): Execution {
    const start = run.first_n === null ? before : run.first_n - 1;
    return new Execution(this.services.sessionId, run, start, {
      follow: (after, signal) => assigned.feed.read({ after, run: run.id, signal }),
      soFar: () => assigned.kerneld.journal({ after: start, follow: false, run: run.id }),
      cancel: () => this.services.ask(assigned.kerneld.runs.cancel(run.id)),
    });
  }
}
