import { isUtf8 } from "node:buffer";
import { jsonMembers } from "./json-members.js";
import { MalformedMessage, type WireMessage } from "./websocket-v1.js";

const OFFSET_BYTES = 4;
const MAX_BUFFERS = 4096;
const NAMES = ["header", "parent_header", "metadata", "content"] as const;
const EMPTY = Buffer.from("{}");
const CHANNELS = new Set(["shell", "control", "stdin", "iopub"]);

/** A frame to a client that negotiated no subprotocol. */
export interface DefaultFrame {
  data: Buffer;
  binary: boolean;
}

/**
 * Reads a message of Jupyter's default WebSocket protocol: JSON in a text frame, or with buffers behind it in a binary one.
 * The JSON of its parts stays as it was written. Throws {@link MalformedMessage}.
 */
export function decodeDefault(frame: Buffer, binary: boolean): WireMessage {
  const [text = frame, ...buffers] = binary ? pieces(frame) : [frame];
  const members = jsonMembers(text);
  if (members === null) throw new MalformedMessage("the message is not a JSON object");
  const named = members.get("channel")?.toString("utf8") ?? '"shell"';
  const channel = named.startsWith('"') && named.endsWith('"') ? named.slice(1, -1) : named;
  if (!members.has("header")) throw new MalformedMessage("the message has no header");
  return { channel, parts: [...NAMES.map((name) => members.get(name) ?? EMPTY), ...buffers] };
}

/**
 * A message as the default protocol has it. `textOnly` is for clients that take every frame for text: they get what a
 * message has in JSON, with the sizes of the buffers that it came with.
 */
export function encodeDefault(message: WireMessage, textOnly: boolean): DefaultFrame {
  const [header = EMPTY, parent = EMPTY, metadata = EMPTY, content = EMPTY, ...buffers] =
    message.parts;
  const channel = CHANNELS.has(message.channel) ? message.channel : "iopub";
  const members = jsonMembers(header);
  const kept = buffers.length === 0 || !textOnly;
  const sizes = kept
    ? ""
    : `,"dropped_buffer_bytes":[${buffers.map(({ length }) => length).join()}]`;
  const pieces = [
    Buffer.from('{"header":'),
    header,
    // Some clients look for these two beside the header.
    Buffer.from(',"msg_id":'),
    members?.get("msg_id") ?? Buffer.from('""'),
    Buffer.from(',"msg_type":'),
    members?.get("msg_type") ?? Buffer.from('""'),
    Buffer.from(',"parent_header":'),
    parent,
    Buffer.from(',"metadata":'),
    metadata,
    Buffer.from(',"content":'),
    content,
    Buffer.from(`,"buffers":[],"channel":"${channel}"${sizes}}`),
  ];
  const text = wellFormed(Buffer.concat(pieces));
  if (buffers.length === 0 || textOnly) return { data: text, binary: false };
  return { data: withBuffers([text, ...buffers]), binary: true };
}

/** A text frame must be UTF-8; a kernel may send anything. */
function wellFormed(text: Buffer): Buffer {
  return isUtf8(text) ? text : Buffer.from(text.toString("utf8"));
}

function withBuffers(parts: Buffer[]): Buffer {
  const head = Buffer.allocUnsafe(OFFSET_BYTES * (parts.length + 1));
  head.writeUInt32BE(parts.length, 0);
  let offset = head.length;
  for (const [index, part] of parts.entries()) {
    head.writeUInt32BE(offset, OFFSET_BYTES * (index + 1));
    offset += part.length;
  }
  return Buffer.concat([head, ...parts]);
}

function pieces(frame: Buffer): Buffer[] {
  const count = frame.length < OFFSET_BYTES ? 0 : frame.readUInt32BE(0);
  if (count < 1 || count > MAX_BUFFERS + 1) {
    throw new MalformedMessage(`a binary message has 1 to ${MAX_BUFFERS + 1} parts`);
  }
  let previous = OFFSET_BYTES * (count + 1);
  if (frame.length < previous) throw new MalformedMessage("the message ends within its offsets");
  const offsets: number[] = [];
  for (let index = 1; index <= count; index += 1) {
    const offset = frame.readUInt32BE(OFFSET_BYTES * index);
    if (offset < previous || offset > frame.length) {
      throw new MalformedMessage("the offsets do not rise, or lead out of the message");
    }
    offsets.push(offset);
    previous = offset;
  }
  return offsets.map((offset, index) => frame.subarray(offset, offsets[index + 1]));
}
