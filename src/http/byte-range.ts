/** A span of a file's bytes. */
export interface Span {
  offset: number;
  length: number;
}

export interface ByteRange {
  /** The span within a file of `size` bytes, or null when it lies outside. */
  within(size: number): Span | null;
}

/**
 * Reads a `Range` header with one range of bytes (RFC 9110, section 14.1.2). Anything else, several ranges too, is
 * `undefined`: a server may ignore the header and send the whole.
 */
export function parseByteRange(header: string | undefined): ByteRange | undefined {
  const match = /^bytes=(\d{1,15})?-(\d{1,15})?$/.exec(header?.trim() ?? "");
  if (!match) return undefined;
  const first = match[1] === undefined ? undefined : Number(match[1]);
  const last = match[2] === undefined ? undefined : Number(match[2]);
  if (first === undefined && last === undefined) return undefined;
  if (first !== undefined && last !== undefined && last < first) return undefined;
  return {
    within(size) {
      if (first === undefined) {
        const length = Math.min(last ?? 0, size);
        return length === 0 ? null : { offset: size - length, length };
      }
      if (first >= size) return null;
      return { offset: first, length: Math.min(last ?? size - 1, size - 1) - first + 1 };
    },
  };
}
