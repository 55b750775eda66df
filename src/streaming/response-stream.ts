import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { piecesOf } from "./pieces.js";

/** Sent when nothing else was for this long, so that no proxy takes the connection for dead. */
export const HEARTBEAT_MS = 15_000;

/** A client that takes nothing for this long is let go; it can resume. */
export const STALL_MS = 120_000;

/** How long a client that is let go may still take what was written for it. */
const LINGER_MS = 10_000;

export interface ResponseStreamOptions {
  headers: Record<string, string | number | string[]>;
  /** What keeps the connection awake; must mean nothing in the body's format. */
  heartbeat: string;
  heartbeatMs?: number | undefined;
  /** A client that takes nothing for so long is let go; two minutes when absent. */
  stallMs?: number | undefined;
  /** Ends the body for a client that is let go, where the format has a way to tell it. */
  farewell?: string | undefined;
  /** Told when a client is let go because it took nothing. */
  onStall?: (() => void) | undefined;
}

/** A response body that is written as it comes to be, at the client's pace. */
export interface ResponseStream {
  /** Aborts when the client has left, or was let go. */
  readonly signal: AbortSignal;
  /** Resolves when the client can take more; rejects when it has gone. */
  write(chunk: string): Promise<void>;
  /** Ends the body, in the same tick where the chunk is no large one; rejects when the client has gone. Idempotent. */
  end(chunk?: string): Promise<void>;
}

/**
 * Sends the head of a response at once and hands out its body. The signal follows the response's own close event:
 * `request.signal` aborts as soon as the body of a POST has been read.
 */
export function openResponseStream(
  response: ServerResponse,
  options: ResponseStreamOptions,
): ResponseStream {
  const { heartbeatMs = HEARTBEAT_MS, stallMs = STALL_MS } = options;
  const gone = new AbortController();
  /** Whether a part of a chunk was written whose rest is still to come. */
  let within = false;
  let ending = false;
  let patience: NodeJS.Timeout | undefined;

  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain && !within) response.write(options.heartbeat);
  }, heartbeatMs);
  const leave = () => {
    clearInterval(heartbeat);
    clearTimeout(patience);
    gone.abort(new Error("the client has gone"));
  };
  response.once("close", leave);
  response.on("error", leave);
  if (response.destroyed) leave();
  else {
    response.writeHead(200, options.headers);
    response.flushHeaders();
  }

  /** Lets go of the client: its end is behind what it has not taken, and it may still take that. */
  const dismiss = () => {
    clearInterval(heartbeat);
    options.onStall?.();
    if (within || ending || options.farewell === undefined) {
      response.destroy();
    } else {
      ending = true;
      response.end(options.farewell);
      patience = setTimeout(() => response.destroy(), LINGER_MS);
    }
    gone.abort(new Error("the client takes nothing"));
  };

  /** Writes, and waits until the client has taken it where there is too much that it has not. */
  const put = async (piece: string | Uint8Array): Promise<void> => {
    if (response.write(piece)) return;
    patience = setTimeout(dismiss, stallMs);
    try {
      await once(response, "drain", { signal: gone.signal });
    } finally {
      if (!gone.signal.aborted) clearTimeout(patience);
    }
  };

  return {
    signal: gone.signal,
    async write(chunk) {
      gone.signal.throwIfAborted();
      heartbeat.refresh();
      const pieces = piecesOf(chunk);
      for (const [index, piece] of pieces.entries()) {
        within = index < pieces.length - 1;
        await put(piece);
      }
    },
    async end(chunk = "") {
      if (ending) return;
      gone.signal.throwIfAborted();
      ending = true;
      clearInterval(heartbeat);
      const pieces = piecesOf(chunk);
      const last = pieces.pop();
      for (const piece of pieces) await put(piece);
      response.end(last);
      if (!response.writableFinished) patience = setTimeout(dismiss, stallMs);
    },
  };
}
