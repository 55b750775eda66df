/** Frames of kerneld's journal (PROTOCOL.md section 3), read from a byte stream. */

export interface RecordHead {
  n: number;
  at: number;
  kind: "message" | "run" | "kernel" | "gap";
  run?: string | null;
  late?: boolean;
  kernel?: string;
  generation?: number;
  event?: string;
  msg_type?: string;
  channel?: string;
  content?: Record<string, unknown>;
  blobs?: { key: string; kind: string; bytes: number }[];
  [field: string]: unknown;
}

export interface JournalRecord {
  head: RecordHead;
  /** The values that `head.blobs` names, in its order. */
  blobs: Buffer[];
}

/** Yields each record as soon as its last byte is there; ends with the stream. */
export async function* readFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<JournalRecord> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    length += chunk.length;
    let size = frameSize(parts);
    if (size === undefined || length < size) continue;
    let data: Buffer = Buffer.concat(parts.splice(0));
    while (size !== undefined && data.length >= size) {
      yield decode(data.subarray(4, size));
      data = data.subarray(size);
      size = frameSize([data]);
    }
    parts.push(data);
    length = data.length;
  }
}

function frameSize(parts: Buffer[]): number | undefined {
  const start = parts[0] !== undefined && parts[0].length >= 4 ? parts[0] : Buffer.concat(parts);
  return start.length < 4 ? undefined : 4 + start.readUInt32BE(0);
}

function decode(frame: Buffer): JournalRecord {
  const end = 4 + frame.readUInt32BE(0);
  const head = JSON.parse(frame.subarray(4, end).toString()) as RecordHead;
  let offset = end;
  const blobs = (head.blobs ?? []).map(({ bytes }) => frame.subarray(offset, (offset += bytes)));
  return { head, blobs };
}
