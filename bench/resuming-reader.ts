import { createParser } from "eventsource-parser";
import { type ExecutionEvent, eventSchema } from "../src/kernels/event.js";
import { type Client, createClient, jsonOf } from "./client.js";
import type { GatewayProcess } from "./gateway-process.js";

/** An event, and when the bytes that ended it had arrived, as `performance.now()`. */
export interface ArrivedEvent {
  event: ExecutionEvent;
  at: number;
}

/** Reads an execution's events behind a number, on a connection of its own. */
export interface ResumingReader {
  /** The first of them. */
  first: Promise<ArrivedEvent>;
  /** The newest that has arrived. */
  readonly newest: ExecutionEvent | undefined;
  /** Resolves when the connection has ended, however it did. */
  ended: Promise<void>;
  close(): void;
}

/** Resumes at `path`, an execution's events, as a client does that has had event `after`. */
export function resumeReading(
  { url, key }: Pick<GatewayProcess, "url" | "key">,
  path: string,
  after: number,
): ResumingReader {
  const stop = new AbortController();
  const client: Client = createClient(url, key, stop.signal);
  const decoder = new TextDecoder();
  let at = 0;
  let newest: ExecutionEvent | undefined;
  let onFirst: (event: ArrivedEvent) => void = () => undefined;
  const parser = createParser({
    onEvent: ({ data }) => {
      newest = eventSchema.parse(JSON.parse(data));
      onFirst({ event: newest, at });
    },
  });
  const answered = client
    .request("GET", path, {
      accept: "text/event-stream",
      headers: { "last-event-id": String(after) },
      onChunk: (chunk) => {
        at = chunk.at;
        parser.feed(decoder.decode(chunk.bytes, { stream: true }));
      },
    })
    .then((answer) => {
      if (answer.status !== 200) jsonOf(answer);
    });
  const first = new Promise<ArrivedEvent>((resolve, reject) => {
    onFirst = resolve;
    answered
      .then(() => reject(new Error(`nothing came behind event ${after} of ${path}`)))
      .catch(reject);
  });
  first.catch(() => undefined);
  const ended = answered.catch(() => undefined);
  return {
    first,
    get newest() {
      return newest;
    },
    ended,
    close: () => {
      stop.abort();
      client.close();
    },
  };
}
