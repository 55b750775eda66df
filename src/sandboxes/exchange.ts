import { type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from "node:http";
import type { Socket } from "node:net";

import { type Body, type OpenBody, openBody } from "./body.js";
import { LinkError, violation } from "./link-error.js";
import type { ReadAccount } from "./read-budget.js";
import { sendBody } from "./send-body.js";

const MAX_HEADER_BYTES = 16 * 1024;
const MAX_INTERIM_ANSWERS = 4;

/** One HTTP request to a sandbox. */
export interface Exchange {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** Path and query; everything in it percent-encoded. */
  path: string;
  /** JSON text, or the bytes of a stream. */
  body?: string | AsyncIterable<Uint8Array> | undefined;
  /** Deadline of the final answer's headers, counted from the end of the request's body. */
  answerWithinMs: number;
  signal?: AbortSignal | undefined;
}

/** The head of a sandbox's answer and its unread body: read it to its end, or close it. */
export interface Answer {
  /** 200–299 or 400–599. */
  status: number;
  headers: IncomingHttpHeaders;
  body: Body;
}

/**
 * Sends one request on one connection and waits for the head of its answer. The connection is dropped on any error,
 * and emits `free` when it can carry another request.
 * @throws LinkError; the signal's reason; or what the body's stream threw
 */
export function exchange(socket: Socket, account: ReadAccount, options: Exchange): Promise<Answer> {
  const { signal, body } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      socket.destroy();
      reject(signal.reason as Error);
      return;
    }
    if (socket.destroyed) {
      reject(new LinkError("sandbox_unreachable", "the connection broke", { beforeAnswer: true }));
      return;
    }
    const bytesBefore = socket.bytesRead;
    let timer: NodeJS.Timeout | undefined;
    let interim = 0;
    let opened: OpenBody | undefined;
    let settled = false;

    const request = httpRequest({
      createConnection: () => socket,
      method: options.method,
      path: options.path,
      maxHeaderSize: MAX_HEADER_BYTES,
      headers: { host: "kerneld", connection: "keep-alive", ...contentHeaders(body) },
    });
    // The hello leaves connections paused, and a listener alone does not undo that.
    socket.resume();
    const settle = () => {
      settled = true;
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    const fail = (reason: Error) => {
      socket.destroy();
      if (settled) return;
      settle();
      request.destroy();
      reject(reason);
    };
    const onAbort = () => fail(signal?.reason as Error);
    signal?.addEventListener("abort", onAbort, { once: true });

    request.on("information", () => {
      interim += 1;
      if (interim > MAX_INTERIM_ANSWERS) fail(violation("too many interim answers"));
    });
    request.on("upgrade", () => fail(violation("an upgrade that nobody asked for")));
    request.on("error", (error: NodeJS.ErrnoException) => {
      const broken = brokenExchange(error, socket.bytesRead === bytesBefore);
      // Once there is an answer, what breaks the exchange breaks its body.
      opened?.fail(broken);
      fail(broken);
    });
    request.on("response", (message) => {
      if (settled) return;
      const breach = breachOf(message);
      if (breach !== null) {
        fail(violation(breach));
        return;
      }
      settle();
      message.on("end", () => {
        // Answered before the request was sent: what is still to come would be read as the next request.
        if (!request.writableFinished) socket.destroy();
      });
      opened = openBody(message, account, signal);
      resolve({
        status: message.statusCode ?? 0,
        headers: message.headers,
        body: opened.body,
      });
    });

    const startTimer = () => {
      if (settled) return;
      timer = setTimeout(() => {
        fail(new LinkError("sandbox_unresponsive", "the sandbox did not answer in time"));
      }, options.answerWithinMs);
    };
    if (typeof body === "object") {
      sendBody(request, body, () => settled).then(startTimer, fail);
    } else {
      request.end(body);
      startTimer();
    }
  });
}

function contentHeaders(body: Exchange["body"]): Record<string, string | number> {
  if (body === undefined) return {};
  if (typeof body === "object") return { "content-type": "application/octet-stream" };
  return { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
}

/** What is wrong with an answer's head, or null. */
function breachOf({ statusCode = 0, headers }: IncomingMessage): string | null {
  if (headers["content-encoding"] !== undefined) return "an encoded answer";
  const known = (statusCode >= 200 && statusCode < 300) || (statusCode >= 400 && statusCode < 600);
  return known ? null : "an answer with a status that kerneld never gives";
}

function brokenExchange(error: NodeJS.ErrnoException, beforeAnswer: boolean): LinkError {
  if (error.code?.startsWith("HPE_") === true) return violation("the sandbox broke HTTP", error);
  return new LinkError("sandbox_unreachable", "the connection broke", {
    cause: error,
    beforeAnswer,
  });
}
