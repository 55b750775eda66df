import type { IncomingMessage } from "node:http";

import { LinkError } from "./link-error.js";
import type { ReadAccount } from "./read-budget.js";

/** What a chunk takes besides its bytes, so that a million one-byte chunks are not a mebibyte. */
const CHUNK_BYTES = 128;
/** Bytes held for a consumer that is slower than its sandbox. */
const HELD_BYTES = 256 * 1024;

/** The body of an answer: pulled by its consumer, charged to its sandbox. */
export interface Body {
  /**
   * What has arrived, at least one chunk, or null at the end. One call at a time.
   * @throws LinkError `sandbox_unresponsive` when nothing came for `patienceMs`, `sandbox_unreachable` when the
   * connection broke
   */
  read(patienceMs: number): Promise<Buffer[] | null>;
  /** Waits for this sandbox's next turn: for a consumer that has worked for a while without waiting. */
  turn(): Promise<void>;
  /** Lets go of the answer. The connection is dropped unless the body was read to its end. Idempotent. */
  close(): void;
}

/** A body, and what ends it from outside. */
export interface OpenBody {
  body: Body;
  /** Drops the connection and fails the pending read, or the next one. Nothing once the body has ended. */
  fail(error: Error): void;
}

/** Reads an answer within the sandbox's read budget. Aborting `signal` fails the pending read with its reason. */
export function openBody(
  message: IncomingMessage,
  account: ReadAccount,
  signal: AbortSignal | undefined,
): OpenBody {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let ended = false;
  let failure: Error | undefined;
  let waiting = false;
  let wake: (() => void) | undefined;

  const fail = (error: Error) => {
    if (ended || failure !== undefined) return;
    failure = error;
    message.destroy();
    wake?.();
  };
  const onAbort = () => fail(signal?.reason as Error);

  const resume = () => {
    waiting = false;
    if (heldBytes < HELD_BYTES) message.resume();
  };
  message.on("data", (chunk: Buffer) => {
    held.push(chunk);
    heldBytes += chunk.length + CHUNK_BYTES;
    if (!account.spend(chunk.length) && !waiting) {
      waiting = true;
      account.turn(resume);
    }
    if (waiting || heldBytes >= HELD_BYTES) message.pause();
    wake?.();
  });
  message.on("end", () => {
    ended = message.complete;
    signal?.removeEventListener("abort", onAbort);
    wake?.();
  });
  message.on("error", (error) => {
    fail(new LinkError("sandbox_unreachable", "the connection broke", { cause: error }));
  });
  message.on("close", () => {
    signal?.removeEventListener("abort", onAbort);
    if (!ended) fail(new LinkError("sandbox_unreachable", "the answer was cut short"));
  });
  if (signal?.aborted) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });

  const body: Body = {
    async read(patienceMs) {
      if (held.length === 0 && !ended && failure === undefined) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(() => {
            fail(new LinkError("sandbox_unresponsive", "the answer did not arrive in time"));
          }, patienceMs);
          wake = () => {
            clearTimeout(timer);
            wake = undefined;
            resolve();
          };
        });
      }
      if (failure !== undefined) throw failure;
      if (held.length === 0) return null;
      const chunks = held;
      held = [];
      heldBytes = 0;
      if (!waiting) message.resume();
      return chunks;
    },
    turn: () => new Promise((resolve) => account.turn(resolve)),
    close() {
      signal?.removeEventListener("abort", onAbort);
      if (!ended) message.destroy();
    },
  };
  return { body, fail };
}
