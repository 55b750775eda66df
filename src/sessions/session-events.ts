import { HotcellError } from "../errors.js";
import { sessionEvent } from "../kernels/record-event.js";
import type { SessionEvent } from "../kernels/session-event.js";
import type { JournalRecord } from "../sandboxes/journal-record.js";
import type { KerneldClient } from "../sandboxes/kerneld-client.js";
import type { SandboxFeed } from "../sandboxes/sandbox-feed.js";
import { assertReached } from "./journal-position.js";
import { clientError } from "./sandbox-error.js";

export interface SessionEventsServices {
  sessionId: string;
  /** The session's sandbox, once it runs; throws what keeps it from running. */
  sandbox(): Promise<{ feed: SandboxFeed; kerneld: KerneldClient }>;
  /** Runs `work` and throws what a client may be told of its failure. */
  ask<T>(work: Promise<T>): Promise<T>;
  /** Why the session ended, once it is ending. */
  reason(): string | undefined;
}

export interface FollowOptions {
  /** Events with larger numbers, 0 for all that are kept; those from now on when absent. */
  after?: number | undefined;
  /** One kernel's events, and no others. */
  kernel?: string | undefined;
  /** Ends the events, by throwing, and lets go of what they hold. */
  signal: AbortSignal;
}

/** Whether an event is the last one of its stream: of one kernel, where it is a kernel's. */
export function isLastOfStream(event: SessionEvent, kernel: string | undefined): boolean {
  if (event.type === "session_ended") return true;
  return event.type === "kernel_removed" && event.kernel_id === kernel;
}

/** Everything that happens in a session, event by event. */
export class SessionEvents {
  constructor(private readonly services: SessionEventsServices) {}

  /**
   * The session's events in order, each once, until it ends or the kernel is removed. What happens from the moment that
   * this resolves is held for the reader, at its pace.
   * @throws HotcellError `kernel_not_found`, `invalid_request` for a number that the session has not come to, and what
   * ends sessions; iterating, what keeps the sandbox from being read
   */
  async follow({
    after,
    kernel: named,
    signal,
  }: FollowOptions): Promise<AsyncIterable<SessionEvent>> {
    const kernel = named?.toLowerCase();
    const { feed, kerneld } = await this.services.sandbox();
    if (kernel !== undefined) {
      await this.services.ask(assertKernel(kerneld, kernel, { after, signal }));
    }
    if (after !== undefined) {
      await this.services.ask(assertReached(after, { feed, kerneld }, { signal }));
    }
    const start = after ?? feed.lastNumber;
    return this.#events(feed, feed.read({ after: start, kernel, signal }), { start, kernel });
  }

  /** Throws `invalid_request` where the session's events have not come to that number. */
  async assertReached(after: number): Promise<void> {
    await this.services.ask(assertReached(after, await this.services.sandbox()));
  }

  async *#events(
    feed: SandboxFeed,
    records: AsyncIterableIterator<JournalRecord>,
    { start, kernel }: { start: number; kernel: string | undefined },
  ): AsyncGenerator<SessionEvent, void, undefined> {
    const { sessionId } = this.services;
    const kernelId = kernel ?? null;
    const stream = { sessionId, kernelId };
    try {
      yield {
        type: "following",
        n: start,
        at: new Date().toISOString(),
        session_id: sessionId,
        kernel_id: kernelId,
      };
      for await (const record of records) {
        const event = sessionEvent(record, stream);
        if (event === undefined) continue;
        yield event;
        if (isLastOfStream(event, kernel)) return;
      }
      yield {
        type: "session_ended",
        n: feed.lastNumber + 1,
        at: new Date().toISOString(),
        session_id: sessionId,
        kernel_id: null,
        reason: this.services.reason() ?? feed.ended ?? "unknown",
      };
    } catch (error) {
      throw clientError(error);
    } finally {
      await records.return?.();
    }
  }
}

/**
 * Refuses a kernel that the session does not have, unless there is something left to tell of it: who comes back to a
 * kernel that was removed meanwhile is owed its end.
 */
async function assertKernel(
  kerneld: KerneldClient,
  kernel: string,
  { after, signal }: { after: number | undefined; signal: AbortSignal },
): Promise<void> {
  const kernels = await kerneld.kernels.list({ signal });
  if (kernels.some(({ id }) => id === kernel)) return;
  if (after !== undefined) {
    for await (const record of kerneld.journal({ after, kernel, follow: false, signal })) {
      if (record.kind !== "gap") return;
    }
  }
  throw new HotcellError("kernel_not_found", `The session has no kernel ${kernel}`);
}
