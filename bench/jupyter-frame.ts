/** A Jupyter message as v1.kernel.websocket.jupyter.org frames it; the parts are JSON but for the buffers. */
export interface JupyterFrame {
  channel: string;
  header: { msg_id: string; msg_type: string };
  parent: { msg_id?: string };
  content: Record<string, unknown>;
  buffers: Buffer[];
}

const OFFSET_BYTES = 8;

/** The number of offsets, the offsets (64 bits each, little-endian; the last is the end), and the parts. */
export function encodeFrame(channel: string, parts: readonly object[], buffers: Buffer[]): Buffer {
  const all = [
    Buffer.from(channel),
    ...parts.map((part) => Buffer.from(JSON.stringify(part))),
    ...buffers,
  ];
  const head = Buffer.alloc(OFFSET_BYTES * (all.length + 2));
  head.writeBigUInt64LE(BigInt(all.length + 1), 0);
  let offset = head.length;
  all.forEach((part, index) => {
    head.writeBigUInt64LE(BigInt(offset), OFFSET_BYTES * (index + 1));
    offset += part.length;
  });
  head.writeBigUInt64LE(BigInt(offset), OFFSET_BYTES * (all.length + 1));
  return Buffer.concat([head, ...all]);
}

export function decodeFrame(frame: Buffer): JupyterFrame {
  const count = Number(frame.readBigUInt64LE(0));
  const offsets = Array.from({ length: count }, (_, index) =>
    Number(frame.readBigUInt64LE(OFFSET_BYTES * (index + 1))),
  );
  const parts = offsets
    .slice(0, -1)
    .map((start, index) => frame.subarray(start, offsets[index + 1]));
  const [channel, header, parent, , content, ...buffers] = parts;
  const json = (part: Buffer | undefined): unknown => JSON.parse(part?.toString("utf8") ?? "");
  return {
    channel: channel?.toString("utf8") ?? "",
    header: json(header) as JupyterFrame["header"],
    parent: json(parent) as JupyterFrame["parent"],
    content: json(content) as JupyterFrame["content"],
    buffers,
  };
}
