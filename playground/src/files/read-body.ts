/** The first bytes of a body, at most `limit`; what is left is not fetched. */
export async function readStart(
  response: Response,
  limit: number,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; isWhole: boolean }> {
  const { chunks, length } = await readChunks(response, (read) => read <= limit);
  const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer());
  return { bytes: bytes.subarray(0, limit), isWhole: length <= limit };
}

/** The whole body, with its progress in bytes. */
export async function readWhole(
  response: Response,
  progress: (read: number) => void,
): Promise<Blob> {
  const { chunks } = await readChunks(response, (read) => {
    progress(read);
    return true;
  });
  return new Blob(chunks);
}

/** Reads as long as it is wanted. Not every browser iterates streams: they are read by hand. */
async function readChunks(response: Response, goOn: (read: number) => boolean) {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true as const };
      if (done) break;
      chunks.push(value);
      length += value.length;
      if (!goOn(length)) break;
    }
  } finally {
    await reader?.cancel();
  }
  return { chunks, length };
}
