import type { SessionEvent } from "../kernels/session-event.js";
import { HotcellError } from "./error.js";
import { iterateEvents } from "./event-iterator.js";
import { eventsOf, isKnownSessionEvent } from "./event-stream.js";
import type { FollowOptions } from "./options.js";
import { startPatience } from "./patience.js";
import { isTransient } from "./submission.js";
import type { Transport } from "./transport.js";

/**
 * What happens in a session, or in one of its kernels. Iterating gives each event once and in order, through broken
 * connections, until the session ends or the kernel is removed: `session_ended` or `kernel_removed` is the last one. The
 * first, `following`, says that nothing behind its number will be missed; an event `gap` stands for what the gateway no
 * longer has. Each loop begins anew. Iterating throws HotcellError (`session_ended` where the session ended while the
 * connection was broken), or the signal's reason.
 */
export class SessionEvents implements AsyncIterable<SessionEvent> {
  readonly #gateway: Transport;
  readonly #path: string;
  readonly #options: FollowOptions;

  /** Made by `Session.events`. */
  constructor(gateway: Transport, path: string, options: FollowOptions) {
    this.#gateway = gateway;
    this.#path = path;
    this.#options = options;
  }

  [Symbol.asyncIterator](): AsyncIterator<SessionEvent, void, undefined> {
    return iterateEvents(this.#options.signal, (signal) => this.#events(signal));
  }

  async *#events(signal: AbortSignal): AsyncGenerator<SessionEvent, void, undefined> {
    const { after, kernel, retry = this.#gateway.retry } = this.#options;
    const patience = startPatience(retry);
    let last = after;
    let begun = false;
    for (;;) {
      let failure: unknown;
      try {
        const response = await this.#gateway.request(
          "GET",
          last === undefined ? this.#path : `${this.#path}?after=${last}`,
          { accept: "text/event-stream", signal },
        );
        for await (const events of eventsOf(response, { silenceMs: patience.silenceMs, signal })) {
          patience.renew();
          for (const event of events) {
            const first = event.type === "following" && !begun;
            if (!first && last !== undefined && event.n <= last) continue;
            begun = true;
            last = event.n;
            if (!isKnownSessionEvent(event)) continue;
            yield event;
            if (event.type === "session_ended") return;
            if (event.type === "kernel_removed" && kernel !== undefined) return;
          }
        }
        failure = new HotcellError(
          "gateway_unreachable",
          "The connection to the gateway ended before the session did",
        );
      } catch (error) {
        if (!isTransient(error)) throw error;
        failure = error;
      }
      await patience.pause(failure, signal);
    }
  }
}
