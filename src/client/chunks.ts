import { HotcellError } from "./error.js";

export interface ChunkOptions {
  /** How long nothing may come before the connection counts as broken, in milliseconds. */
  silenceMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * A body, chunk by chunk. Leaving early closes its connection.
 * @throws HotcellError `gateway_unreachable` where the connection breaks or falls silent; the signal's reason
 */
export async function* chunksOf(
  { body }: Response,
  { silenceMs, signal }: ChunkOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (body === null) return;
  const reader = body.getReader();
  const cancel = (): void => void reader.cancel().catch(() => undefined);
  const silence = new AbortController();
  signal?.addEventListener("abort", cancel, { once: true });
  silence.signal.addEventListener("abort", cancel, { once: true });
  try {
    for (;;) {
      signal?.throwIfAborted();
      const timer = setTimeout(() => silence.abort(), silenceMs);
      let read: Awaited<ReturnType<typeof reader.read>>;
      try {
        read = await reader.read();
      } catch (error) {
        signal?.throwIfAborted();
        throw new HotcellError("gateway_unreachable", "The connection to the gateway broke", {
          cause: error,
        });
      } finally {
        clearTimeout(timer);
      }
      signal?.throwIfAborted();
      if (silence.signal.aborted) {
        throw new HotcellError(
          "gateway_unreachable",
          `The gateway has been silent for ${Math.round(silenceMs / 1000)} s`,
        );
      }
      if (read.done) return;
      yield read.value;
    }
  } finally {
    signal?.removeEventListener("abort", cancel);
    cancel();
  }
}

/**
 * A body of at most `limit` bytes, whole.
 * @throws HotcellError `answer_too_large`, and what `chunksOf` throws
 */
export async function bytesOf(
  response: Response,
  limit: number,
  options: ChunkOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunksOf(response, options)) {
    size += chunk.length;
    if (size > limit) {
      throw new HotcellError("answer_too_large", `The answer is larger than ${limit} bytes`);
    }
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** A body of at most `limit` bytes as text. Throws what `bytesOf` throws. */
export async function textOf(
  response: Response,
  limit: number,
  options: ChunkOptions,
): Promise<string> {
  return new TextDecoder().decode(await bytesOf(response, limit, options));
}
