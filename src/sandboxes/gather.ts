import type { IncomingHttpHeaders } from "node:http";

import type { Answer } from "./exchange.js";
import { MAX_JSON_BYTES } from "./json.js";
import { violation } from "./link-error.js";

/** One-byte chunks cost a hundred times their size: an honest answer comes in a few dozen pieces. */
const MAX_CHUNKS = 4_096;
/** The longest silence within a small answer; its total deadline is the caller's. */
const ANSWER_PATIENCE_MS = 10_000;

/** A whole answer in memory: at most 1 MiB. */
export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  bytes: Buffer;
}

/** Reads a small answer to its end, or drops its connection. Bound the time with the exchange's signal. */
export async function gather(answer: Answer): Promise<Reply> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for (;;) {
      const arrived = await answer.body.read(ANSWER_PATIENCE_MS);
      if (arrived === null) break;
      for (const chunk of arrived) size += chunk.length;
      if (size > MAX_JSON_BYTES) throw violation("an answer over 1 MiB");
      for (const chunk of arrived) chunks.push(chunk);
      if (chunks.length > MAX_CHUNKS) throw violation("an answer in too many pieces");
    }
  } finally {
    answer.body.close();
  }
  return { status: answer.status, headers: answer.headers, bytes: Buffer.concat(chunks) };
}
