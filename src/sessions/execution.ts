import { isTerminalEvent, type ExecutionEvent } from "../kernels/event.js";
import { recordEvent } from "../kernels/record-event.js";
import type { JournalRecord } from "../sandboxes/journal-record.js";
import type { RunObject } from "../sandboxes/runs.js";
import { clientError } from "./sandbox-error.js";
import type { ExecutionView } from "./session-view.js";

/** How an execution reaches the records of its run. */
export interface RunRecords {
  /** Records of the run with numbers over `after`, until its terminal one. */
  follow(after: number, signal: AbortSignal | undefined): AsyncIterable<JournalRecord>;
  /** Those that are there already. */
  soFar(): AsyncIterable<JournalRecord>;
  cancel(): Promise<RunObject>;
}

/** One accepted execution of a session: a handle, of which there may be several for one run. */
export class Execution {
  #ended = false;

  constructor(
    readonly sessionId: string,
    /** As kerneld described it when this handle was made. */
    readonly run: RunObject,
    /** The number after which its first record comes. */
    private readonly start: number,
    private readonly records: RunRecords,
  ) {}

  get id(): string {
    return this.run.id;
  }

  get kernelId(): string {
    return this.run.kernel;
  }

  /** Whether a reader of this handle has seen the terminal event. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether no event can come after number `after`: the execution has ended, and not later than that. */
  nothingAfter(after: number): boolean {
    return this.run.state === "finished" && this.run.last_n !== null && this.run.last_n <= after;
  }

  /** Its events up to the terminal one, from the beginning or after a number. Ends when `signal` aborts, by throwing. */
  async *events(options: {
    after?: number | undefined;
    signal?: AbortSignal | undefined;
  }): AsyncGenerator<ExecutionEvent, void, undefined> {
    const after = Math.max(options.after ?? 0, this.start);
    try {
      for await (const record of this.records.follow(after, options.signal)) {
        const event = recordEvent(record, this);
        if (event === undefined) continue;
        if (isTerminalEvent(event)) this.#ended = true;
        yield event;
        if (this.#ended) return;
      }
    } catch (error) {
      throw clientError(error);
    }
  }

  /** The events so far, without waiting for more. */
  async *soFar(): AsyncGenerator<ExecutionEvent, void, undefined> {
    for await (const record of this.records.soFar()) {
      const event = recordEvent(record, this);
      if (event !== undefined) yield event;
    }
  }

  async cancel(): Promise<ExecutionView> {
    return executionView(this.sessionId, await this.records.cancel());
  }

  view(): ExecutionView {
    return executionView(this.sessionId, this.run);
  }
}

const isoTime = (milliseconds: number): string => new Date(milliseconds).toISOString();
const isoTimeOrNull = (milliseconds: number | null): string | null =>
  milliseconds === null ? null : isoTime(milliseconds);

export function executionView(sessionId: string, run: RunObject): ExecutionView {
  const self = `/v1/sessions/${sessionId}/executions/${run.id}`;
  return {
    id: run.id,
    kernel_id: run.kernel,
    generation: run.generation,
    state: run.state,
    position: run.position ?? 0,
    status: run.status,
    execution_count: run.execution_count,
    waiting_for_input: run.waiting_for_input,
    created_at: isoTime(run.created_at),
    started_at: isoTimeOrNull(run.started_at),
    finished_at: isoTimeOrNull(run.finished_at),
    links: { self, events: `${self}/events` },
  };
}
