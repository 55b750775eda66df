import { violation } from "./link-error.js";

/** What a frame is about (PROTOCOL.md section 7). */
export const FRAME_KIND = {
  /** To kerneld: a client of a kernel begins. From kerneld: it has begun. */
  attach: 1,
  /** A message from or to one client. */
  message: 2,
  /** To kerneld: the client has gone. */
  detach: 3,
  /** From kerneld: a message to all clients of a kernel. */
  broadcast: 3,
  /** From kerneld: the client's last frame. */
  closed: 4,
  /** To kerneld: a kernel's clients do not keep up with it. */
  hold: 5,
  /** To kerneld: they do again. */
  resume: 6,
} as const;

/** Our kernels send no message with more; a frame has the names of the channel and the offsets besides. */
const MAX_FRAME_BYTES = 72 * 1024 * 1024;
const LENGTH_BYTES = 4;
const HEAD_BYTES = 9;

/** One frame. `target` is a client's number; of a broadcast it is the kernel's. */
export interface JupyterFrame {
  kind: number;
  target: number;
  payload: Buffer;
}

/** The two parts of a frame, to be written one after the other. */
export function frameHead(kind: number, target: number, payloadBytes: number): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeUInt32BE(HEAD_BYTES - LENGTH_BYTES + payloadBytes, 0);
  head.writeUInt8(kind, LENGTH_BYTES);
  head.writeUInt32BE(target, LENGTH_BYTES + 1);
  return head;
}

/** Cuts a stream of bytes into frames. */
export interface JupyterFrameParser {
  /**
   * The frames that end in this chunk. Their payloads stay valid.
   * @throws LinkError `sandbox_protocol_violation` on impossible lengths
   */
  push(chunk: Buffer): Generator<JupyterFrame, void, undefined>;
}

/** What spans chunks is kept as the chunks it came in and joined once: a claimed length takes no memory. */
export function createJupyterFrameParser(): JupyterFrameParser {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let wanted = HEAD_BYTES;

  const joined = (chunk: Buffer): Buffer => {
    if (held.length === 0) return chunk;
    const all = Buffer.concat([...held, chunk]);
    held = [];
    return all;
  };

  return {
    *push(chunk) {
      if (heldBytes + chunk.length < wanted) {
        held.push(Buffer.from(chunk));
        heldBytes += chunk.length;
        return;
      }
      let rest = joined(chunk);
      for (;;) {
        wanted = HEAD_BYTES;
        if (rest.length < HEAD_BYTES) break;
        const length = rest.readUInt32BE(0);
        if (length < HEAD_BYTES - LENGTH_BYTES || length > MAX_FRAME_BYTES) {
          throw violation("a frame of an impossible length");
        }
        const end = LENGTH_BYTES + length;
        wanted = end;
        if (rest.length < end) break;
        const frame = rest.subarray(0, end);
        rest = rest.subarray(end);
        yield {
          kind: frame.readUInt8(LENGTH_BYTES),
          target: frame.readUInt32BE(LENGTH_BYTES + 1),
          payload: frame.subarray(HEAD_BYTES),
        };
      }
      held = rest.length === 0 ? [] : [rest];
      heldBytes = rest.length;
    },
  };
}
