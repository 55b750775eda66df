import { type IncomingMessage, request as httpRequest } from "node:http";
import type { Socket } from "node:net";

import { LinkError, violation } from "./link-error.js";

const MAX_HEADER_BYTES = 16 * 1024;

/** A connection to be taken for another protocol. */
export interface Upgrade {
  /** Path and query; everything in it percent-encoded. */
  path: string;
  /** What the connection is to speak. */
  protocol: string;
  /** Deadline of the answer. */
  answerWithinMs: number;
  signal?: AbortSignal | undefined;
}

/** A connection that speaks another protocol; paused. */
export interface Upgraded {
  socket: Socket;
  /** What came with the answer. */
  head: Buffer;
}

/**
 * Has one connection switch protocols. The connection is dropped on any error, and is the caller's afterwards.
 * @throws LinkError; the signal's reason
 */
export function upgrade(socket: Socket, options: Upgrade): Promise<Upgraded> {
  const { signal, protocol } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted || socket.destroyed) {
      socket.destroy();
      reject(
        signal?.aborted === true
          ? (signal.reason as Error)
          : new LinkError("sandbox_unreachable", "the connection broke", { beforeAnswer: true }),
      );
      return;
    }
    const request = httpRequest({
      createConnection: () => socket,
      method: "GET",
      path: options.path,
      maxHeaderSize: MAX_HEADER_BYTES,
      headers: { host: "kerneld", connection: "upgrade", upgrade: protocol },
    });
    // The hello leaves connections paused, and a listener alone does not undo that.
    socket.resume();
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    const fail = (reason: Error) => {
      settle();
      socket.destroy();
      request.destroy();
      reject(reason);
    };
    const onAbort = () => fail(signal?.reason as Error);
    signal?.addEventListener("abort", onAbort, { once: true });
    const timer = setTimeout(() => {
      fail(new LinkError("sandbox_unresponsive", "the sandbox did not answer in time"));
    }, options.answerWithinMs);

    request.on("error", (error: NodeJS.ErrnoException) => {
      const broke = error.code?.startsWith("HPE_") === true;
      fail(
        broke
          ? violation("the sandbox broke HTTP", error)
          : new LinkError("sandbox_unreachable", "the connection broke", { cause: error }),
      );
    });
    request.on("response", () => fail(violation("an answer where the protocol was to change")));
    request.on("upgrade", (message: IncomingMessage, upgraded, head) => {
      if (message.statusCode !== 101 || message.headers.upgrade?.toLowerCase() !== protocol) {
        fail(violation("an upgrade that nobody asked for"));
        return;
      }
      settle();
      socket.pause();
      resolve({ socket: upgraded, head });
    });
    request.end();
  });
}
