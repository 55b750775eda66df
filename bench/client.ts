import { Agent, request as httpRequest } from "node:http";

export interface RequestOptions {
  body?: unknown;
  accept?: "application/json" | "text/event-stream";
  headers?: Record<string, string>;
  /** Told of each part of a body as it arrives. */
  onChunk?: (chunk: Chunk) => void;
}

/** A part of a body, and when it arrived as `performance.now()`. */
export interface Chunk {
  at: number;
  bytes: Buffer;
}

/** An answer that has been read to its end; times are of `performance.now()`. */
export interface Answer {
  status: number;
  chunks: Chunk[];
  /** When the request was sent. */
  startedAt: number;
  /** When the end of the answer was there. */
  endedAt: number;
}

/** Sends requests one after another on one connection, with as little work of its own as possible. */
export interface Client {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** @throws when there is no answer; the signal's reason */
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>;
  close(): void;
}

/** @param access a key, or the headers that let requests in */
export function createClient(
  url: string,
  access: string | Readonly<Record<string, string>>,
  signal: AbortSignal,
): Client {
  const agent = new Agent({ keepAlive: true, noDelay: true });
  const { hostname, port } = new URL(url);
  const headers = typeof access === "string" ? { authorization: `Bearer ${access}` } : access;
  return {
    url,
    headers,
    request: (method, path, { body, accept = "application/json", headers: own, onChunk } = {}) =>
      new Promise((resolve, reject) => {
        const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
        const chunks: Answer["chunks"] = [];
        const sent = httpRequest({
          agent,
          hostname,
          port,
          method,
          path,
          signal,
          headers: {
            ...headers,
            ...own,
            accept,
            ...(payload === undefined
              ? {}
              : { "content-type": "application/json", "content-length": payload.length }),
          },
        });
        const startedAt = performance.now();
        sent.on("error", reject);
        sent.on("response", (response) => {
          response.on("data", (bytes: Buffer) => {
            const chunk = { at: performance.now(), bytes };
            chunks.push(chunk);
            onChunk?.(chunk);
          });
          response.on("error", reject);
          response.on("end", () => {
            const endedAt = performance.now();
            resolve({ status: response.statusCode ?? 0, chunks, startedAt, endedAt });
          });
        });
        sent.end(payload);
      }),
    close: () => {
      agent.destroy();
    },
  };
}

/** The JSON in an answer, which must have the status. */
export function jsonOf(answer: Answer, status = 200): unknown {
  const text = Buffer.concat(answer.chunks.map(({ bytes }) => bytes)).toString("utf8");
  if (answer.status !== status) throw new Error(`${answer.status}, not ${status}: ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

export function milliseconds(answer: Answer): number {
  return answer.endedAt - answer.startedAt;
}
