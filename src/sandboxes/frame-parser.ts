import { violation } from "./link-error.js";

const MAX_FRAME_BYTES = 24 * 1024 * 1024;
const MAX_HEAD_BYTES = 1024 * 1024;
const LENGTHS_BYTES = 8;
/** The first room that a frame gets when it does not arrive in one piece. */
const FIRST_ROOM_BYTES = 512 * 1024;

/** One frame of the journal. The buffers are valid until the parser goes on. */
export interface Frame {
  head: Buffer;
  blobs: Buffer;
  /** Size on the wire. */
  bytes: number;
}

/** Cuts a stream of bytes into frames. */
export interface FrameParser {
  /** Whether a frame has begun and not ended. */
  readonly partial: boolean;
  /**
   * The frames that end in this chunk; take them all before the next chunk.
   * @throws LinkError `sandbox_protocol_violation` on impossible lengths
   */
  push(chunk: Buffer): Generator<Frame, void, undefined>;
}

/**
 * Frames that lie within one chunk are handed out in place. What spans chunks is copied once into a room that is
 * reused, and that doubles as bytes really arrive: neither one-byte chunks nor a claimed length can make it grow.
 */
export function createFrameParser(): FrameParser {
  let room = Buffer.allocUnsafe(0);
  /** Bytes of an unfinished frame in `room`. */
  let filled = 0;
  /** Bytes that the unfinished frame has in all; the lengths alone until those are known. */
  let wanted = LENGTHS_BYTES;

  const keep = (bytes: Buffer) => {
    const needed = filled + bytes.length;
    if (needed > room.length) {
      const larger = Math.max(
        needed,
        Math.min(wanted, Math.max(room.length * 2, FIRST_ROOM_BYTES)),
      );
      const grown = Buffer.allocUnsafe(larger);
      room.copy(grown, 0, 0, filled);
      room = grown;
    }
    bytes.copy(room, filled);
    filled = needed;
  };

  return {
    get partial() {
      return filled > 0;
    },
    *push(chunk) {
      let at = 0;
      while (at < chunk.length) {
        if (filled === 0) {
          const size = chunk.length - at < LENGTHS_BYTES ? Infinity : sizeOf(chunk, at);
          if (chunk.length - at >= size) {
            yield frameIn(chunk, at, size);
            at += size;
            continue;
          }
        }
        const end = Math.min(chunk.length, at + wanted - filled);
        keep(chunk.subarray(at, end));
        at = end;
        if (filled < wanted) continue;
        if (wanted === LENGTHS_BYTES) wanted = sizeOf(room, 0);
        if (filled < wanted) continue;
        yield frameIn(room, 0, wanted);
        filled = 0;
        wanted = LENGTHS_BYTES;
        // Giants are rare: their room is not kept for the sandboxes that are quiet afterwards.
        if (room.length > FIRST_ROOM_BYTES) room = Buffer.allocUnsafe(0);
      }
    },
  };
}

/** Size on the wire of the frame whose lengths are at `at`. */
function sizeOf(bytes: Buffer, at: number): number {
  const rest = bytes.readUInt32BE(at);
  const head = bytes.readUInt32BE(at + 4);
  if (rest > MAX_FRAME_BYTES) throw violation("a frame over 24 MiB");
  if (head > MAX_HEAD_BYTES) throw violation("the head of a frame over 1 MiB");
  if (head + 4 > rest) throw violation("a frame shorter than its head");
  return rest + 4;
}

function frameIn(bytes: Buffer, at: number, size: number): Frame {
  const blobs = at + LENGTHS_BYTES + bytes.readUInt32BE(at + 4);
  return {
    head: bytes.subarray(at + LENGTHS_BYTES, blobs),
    blobs: bytes.subarray(blobs, at + size),
    bytes: size,
  };
}
