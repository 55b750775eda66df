import { refused } from "./call.js";
import type { Answer } from "./exchange.js";
import { LinkError, violation } from "./link-error.js";
import type { LinkRequest, SandboxLink } from "./link.js";

const ANSWER_WITHIN_MS = 30_000;
/** A sandbox may take this long in all for a stream's bytes, plus what they take at the slowest pace. */
const BASE_PATIENCE_MS = 30_000;
const SLOWEST_BYTES_A_MS = 64;

/** Bytes of a known length out of a sandbox: pulled by whoever iterates, once. */
export interface ByteStream extends AsyncIterable<Buffer> {
  /** The exact number of bytes that will come. */
  readonly length: number;
  /** Lets go without reading to the end. Idempotent; iterating to the end or leaving the loop does it too. */
  close(): void;
}

/**
 * Asks for a stream of bytes; its answer must tell its length.
 * @throws LinkError, KerneldError, the signal's reason; iterating throws LinkError and the signal's reason
 */
export async function requestBytes(
  link: SandboxLink,
  path: string,
  signal: AbortSignal | undefined,
): Promise<{ stream: ByteStream; headers: Answer["headers"] }> {
  const request: LinkRequest = {
    method: "GET",
    path,
    answerWithinMs: ANSWER_WITHIN_MS,
    idempotent: true,
    signal,
  };
  const answer = await link.request(request);
  if (answer.status !== 200) throw await refused(answer);
  const length = lengthOf(answer);
  if (length === null) {
    answer.body.close();
    throw violation("bytes without a length");
  }
  const stream = {
    length,
    close: () => answer.body.close(),
    [Symbol.asyncIterator]: () => bytes(answer, length),
  };
  return { stream, headers: answer.headers };
}

function lengthOf({ headers }: Answer): number | null {
  const declared = headers["content-length"];
  if (declared === undefined || !/^[0-9]{1,15}$/.test(declared)) return null;
  return Number(declared);
}

/** `node:http` ends a body exactly at its declared length, so that only a shorter one must be noticed. */
async function* bytes({ body }: Answer, length: number): AsyncGenerator<Buffer, void, undefined> {
  let left = length;
  let patienceMs = BASE_PATIENCE_MS + length / SLOWEST_BYTES_A_MS;
  try {
    for (;;) {
      const asked = performance.now();
      const chunks = await body.read(Math.min(patienceMs, BASE_PATIENCE_MS));
      // Only the sandbox's own time counts: a slow consumer may take as long as it likes.
      patienceMs -= performance.now() - asked;
      if (chunks === null) break;
      if (patienceMs <= 0) {
        throw new LinkError("sandbox_unresponsive", "the sandbox sends too slowly");
      }
      for (const chunk of chunks) {
        left -= chunk.length;
        yield chunk;
      }
    }
    if (left !== 0) throw violation("fewer or more bytes than declared");
  } finally {
    body.close();
  }
}
