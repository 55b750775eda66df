/** A Jupyter message as the bytes that its channel carries: header, parent header, metadata, content, then buffers. */
export interface WireMessage {
  channel: string;
  parts: Buffer[];
}

/** The subprotocol's name. */
export const V1_PROTOCOL = "v1.kernel.websocket.jupyter.org";

const OFFSET_BYTES = 8;
const FIXED_PARTS = 5;
const MAX_BUFFERS = 4096;

/** A message that a protocol cannot hold: what is wrong with it, for its sender. */
export class MalformedMessage extends Error {
  override readonly name = "MalformedMessage";
}

/** Reads a frame of the v1 protocol; parts are views of it. Throws {@link MalformedMessage}. */
export function decodeV1(frame: Buffer): WireMessage {
  const count = frame.length < OFFSET_BYTES ? -1 : offsetAt(frame, 0);
  if (count < FIXED_PARTS + 1 || count > FIXED_PARTS + 1 + MAX_BUFFERS) {
    throw new MalformedMessage(
      `the number of offsets must be 6 to ${FIXED_PARTS + 1 + MAX_BUFFERS}`,
    );
  }
  let previous = OFFSET_BYTES * (count + 1);
  if (frame.length < previous) throw new MalformedMessage("the frame ends within its offsets");
  const pieces: Buffer[] = [];
  for (let index = 1; index <= count; index += 1) {
    const offset = offsetAt(frame, index);
    if (offset < previous || offset > frame.length) {
      throw new MalformedMessage("the offsets do not rise, or lead out of the frame");
    }
    if (index > 1) pieces.push(frame.subarray(previous, offset));
    previous = offset;
  }
  const [channel = frame.subarray(0, 0), ...parts] = pieces;
  return { channel: channel.toString("latin1"), parts };
}

/** A frame of the v1 protocol. */
export function encodeV1({ channel, parts }: WireMessage): Buffer {
  const pieces = [Buffer.from(channel, "latin1"), ...parts];
  const count = pieces.length + 1;
  const head = Buffer.allocUnsafe(OFFSET_BYTES * (count + 1));
  head.writeBigUInt64LE(BigInt(count), 0);
  let offset = head.length;
  head.writeBigUInt64LE(BigInt(offset), OFFSET_BYTES);
  for (const [index, piece] of pieces.entries()) {
    offset += piece.length;
    head.writeBigUInt64LE(BigInt(offset), OFFSET_BYTES * (index + 2));
  }
  return Buffer.concat([head, ...pieces]);
}

/** A 64-bit number, as far as a buffer can be long; Infinity beyond. */
function offsetAt(frame: Buffer, index: number): number {
  const at = OFFSET_BYTES * index;
  return frame.readUInt32LE(at + 4) === 0 ? frame.readUInt32LE(at) : Infinity;
}
