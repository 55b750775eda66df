import type { RetryOptions } from "./options.js";

const DEFAULT_FOR_S = 60;
const DEFAULT_SILENCE_S = 60;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

/** How long to go on without a gateway, and when to try it again. */
export interface Patience {
  readonly silenceMs: number;
  /** The gateway is there: the next break is a new one. */
  renew(): void;
  /** Waits before the next attempt. Throws `failure` when it was the last, and the signal's reason. */
  pause(failure: unknown, signal: AbortSignal | undefined): Promise<void>;
}

function delay(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** Pauses double, each shortened by chance, so that clients that lost one gateway do not come back at once. */
export function startPatience({
  for_s = DEFAULT_FOR_S,
  silence_s = DEFAULT_SILENCE_S,
}: RetryOptions = {}): Patience {
  let until: number | undefined;
  let longest = FIRST_PAUSE_MS;
  return {
    silenceMs: silence_s * 1000,
    renew: () => {
      until = undefined;
      longest = FIRST_PAUSE_MS;
    },
    pause: async (failure, signal) => {
      signal?.throwIfAborted();
      until ??= performance.now() + for_s * 1000;
      const left = until - performance.now();
      if (left <= 0) throw failure;
      await delay(Math.min(left, longest * (0.5 + Math.random() / 2)), signal);
      longest = Math.min(2 * longest, LONGEST_PAUSE_MS);
    },
  };
}
