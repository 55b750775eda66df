import { once } from "node:events";
import type { ServerResponse } from "node:http";

/** Sent when nothing else was for this long, so that no proxy takes the connection for dead. */
export const HEARTBEAT_MS = 15_000;

/** A client that takes nothing for this long is let go; it can resume. */
const STALL_MS = 120_000;

export interface ResponseStreamOptions {
  headers: Record<string, string | number | string[]>;
  /** What keeps the connection awake; must mean nothing in the body's format. */
  heartbeat: string;
  heartbeatMs?: number;
}

/** A response body that is written as it comes to be. The client's leaving aborts `signal`. */
export interface ResponseStream {
  readonly signal: AbortSignal;
  /** Resolves when the client can take more; rejects when it has gone. */
  write(chunk: string): Promise<void>;
  /** Idempotent. */
  end(chunk?: string): void;
}

/**
 * Sends the head of a response at once and hands out its body. The signal follows the response's own close event:
 * `request.signal` aborts as soon as the body of a POST has been read.
 */
export function openResponseStream(
  response: ServerResponse,
  options: ResponseStreamOptions,
): ResponseStream {
  const gone = new AbortController();
  const heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS;
  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(options.heartbeat);
  }, heartbeatMs);
  response.once("close", () => {
    clearInterval(heartbeat);
    gone.abort(new Error("the client has gone"));
  });
  response.on("error", () => gone.abort(new Error("the client has gone")));
  if (response.destroyed) {
    clearInterval(heartbeat);
    gone.abort(new Error("the client has gone"));
  } else {
    response.writeHead(200, options.headers);
    response.flushHeaders();
  }

  return {
    signal: gone.signal,
    async write(chunk) {
      gone.signal.throwIfAborted();
      heartbeat.refresh();
      if (response.write(chunk)) return;
      const stalled = setTimeout(() => response.destroy(), STALL_MS);
      try {
        await once(response, "drain", { signal: gone.signal });
      } finally {
        clearTimeout(stalled);
      }
    },
    end(chunk) {
      clearInterval(heartbeat);
      if (response.writableEnded) return;
      if (chunk === undefined) response.end();
      else response.end(chunk);
    },
  };
}
