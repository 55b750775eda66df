import type { ClientRequest } from "node:http";
import { Readable } from "node:stream";

import { LinkError } from "./link-error.js";

/** How long a sandbox may take nothing of what is sent to it. */
const DRAIN_WITHIN_MS = 30_000;

/**
 * Sends a stream as a request's body at the pace of the sandbox, then ends the request. Stops early, and still
 * resolves, once `answered` says that nobody reads on. The stream is closed in every case.
 */
export async function sendBody(
  request: ClientRequest,
  body: AsyncIterable<Uint8Array>,
  answered: () => boolean,
): Promise<void> {
  for await (const chunk of body) {
    if (answered() || request.destroyed) return;
    if (chunk.length > 0 && !request.write(chunk)) await drained(request);
  }
  request.end();
}

/** Resolves when the request takes more, was answered, or is gone. */
function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer);
      request.off("drain", onReady);
      request.off("response", onReady);
      request.off("close", onReady);
    };
    const onReady = () => {
      settle();
      resolve();
    };
    const timer = setTimeout(() => {
      settle();
      reject(new LinkError("sandbox_unresponsive", "the sandbox stopped taking the body"));
    }, DRAIN_WITHIN_MS);
    request.on("drain", onReady);
    request.on("response", onReady);
    request.on("close", onReady);
  });
}

/**
 * Closes a stream, also one that nobody has begun to read (a `Readable` holds its source even then). Does not wait: a
 * source that hangs in its next chunk closes when that comes.
 */
export function closeSource(body: AsyncIterable<Uint8Array>): void {
  if (body instanceof Readable) body.destroy();
  else
    body[Symbol.asyncIterator]()
      .return?.()
      .catch(() => undefined);
}
