import type { EndReason } from "./end-reason.js";

/** How long an ended session is answered with its reason. */
const REMEMBERED_MS = 10 * 60_000;
const MOST_REMEMBERED = 10_000;

/** Why sessions have ended, for a while. */
export class EndedSessions {
  readonly #ended = new Map<string, { reason: EndReason; until: number }>();

  add(key: string, reason: EndReason): void {
    this.#ended.delete(key);
    this.#ended.set(key, { reason, until: Date.now() + REMEMBERED_MS });
    for (const [oldest, { until }] of this.#ended) {
      if (this.#ended.size <= MOST_REMEMBERED && until > Date.now()) break;
      this.#ended.delete(oldest);
    }
  }

  reasonOf(key: string): EndReason | undefined {
    const ended = this.#ended.get(key);
    return ended !== undefined && ended.until > Date.now() ? ended.reason : undefined;
  }
}
