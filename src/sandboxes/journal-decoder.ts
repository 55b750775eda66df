import { z } from "zod";

import type { Frame } from "./frame-parser.js";
import {
  type GapRecord,
  type JournalRecord,
  type MessageRecord,
  gapRecord,
  kernelRecord,
  messageRecord,
  runRecord,
} from "./journal-record.js";
import {
  type JsonObject,
  JsonTooComplex,
  MAX_JSON_DEPTH,
  detach,
  isJsonObject,
  parseJsonText,
} from "./json.js";
import { violation } from "./link-error.js";
import { RawJson } from "./raw-json.js";
import { journalNumber, timestamp } from "./untrusted.js";

const MAX_BLOB_BYTES = 4 * 1024 * 1024;

const envelope = z.object({
  n: journalNumber,
  at: timestamp,
  kind: z.enum(["message", "run", "kernel", "gap"]),
});

const RECORD_OF_KIND = { run: runRecord, kernel: kernelRecord, gap: gapRecord };

const blobList = z
  .array(
    z.object({
      key: z.string().min(1).max(256),
      kind: z.enum(["text", "json", "buffer"]),
      bytes: z.number().int().min(0).max(MAX_BLOB_BYTES),
    }),
  )
  .max(1_000);

/** About what an object or array takes in memory. */
const CONTAINER_BYTES = 200;

/** A record and about what it takes in memory. */
export interface SizedRecord {
  record: JournalRecord;
  bytes: number;
}

/**
 * Makes a record of each frame, and checks that the numbers rise. What only kerneld can cause is a violation; a message
 * that user code made unreadable (too deep, no MIME bundle where one must be) becomes a gap of one.
 */
export interface JournalDecoder {
  /** @throws LinkError `sandbox_protocol_violation` */
  decode(frame: Frame): SizedRecord;
}

/** @param after the number that every record must exceed */
export function createJournalDecoder(after: number): JournalDecoder {
  let last = after;
  return {
    decode: (frame) => {
      const head = parseJsonText(frame.head);
      const { n, at, kind } = checked(envelope, head);
      if (n <= last) throw violation("a journal number that does not rise");
      last = n;
      if (kind === "message") {
        return readMessage(head, frame) ?? { record: unreadable(n, at), bytes: CONTAINER_BYTES };
      }
      if (frame.blobs.length > 0) throw violation("blobs where none belong");
      return { record: checked(RECORD_OF_KIND[kind], head), bytes: frame.bytes };
    },
  };
}

function checked<Schema extends z.ZodType>(schema: Schema, head: unknown): z.output<Schema> {
  const result = schema.safeParse(head);
  if (!result.success) throw violation("a record that kerneld never makes", result.error);
  return result.data;
}

function unreadable(n: number, at: number): GapRecord {
  return { kind: "gap", n, at, from: n, to: n, reason: "unreadable" };
}

function readMessage(head: unknown, { blobs, bytes }: Frame): SizedRecord | null {
  const listed = listedBlobs(head, blobs.length);
  const detached = detachedHead(head);
  const message = messageRecord.safeParse(detached?.value);
  if (detached === null || !message.success) return null;
  const record: MessageRecord = message.data;
  const sized = { record, bytes: bytes + detached.containers * CONTAINER_BYTES };
  if (listed.length === 0) return sized;
  if (listed.some(({ kind }) => kind === "buffer")) {
    return putBuffers(record, listed, blobs) ? sized : null;
  }

  const { data } = message.data.content;
  return isJsonObject(data) && putBlobs(data, listed, blobs) ? sized : null;
}

function listedBlobs(head: unknown, size: number): z.output<typeof blobList> {
  const claimed = (head as { blobs?: unknown }).blobs;
  const listed = claimed === undefined ? [] : checked(blobList, claimed);
  if (listed.reduce((sum, blob) => sum + blob.bytes, 0) === size) return listed;
  throw violation("blobs of another size than announced");
}

function detachedHead(head: unknown): ReturnType<typeof detach> | null {
  try {
    // The head is one level more than the content, of which kerneld lets 64 through.
    return detach(head, MAX_JSON_DEPTH + 1);
  } catch (error) {
    if (error instanceof JsonTooComplex) return null;
    throw error;
  }
}

/** Gives a comm's message its buffers. False when they do not stand in their order. */
function putBuffers(
  message: MessageRecord,
  listed: z.output<typeof blobList>,
  blobs: Buffer,
): boolean {
  const buffers: string[] = [];
  let at = 0;
  for (const [place, { key, kind, bytes }] of listed.entries()) {
    if (kind !== "buffer" || key !== String(place)) return false;
    buffers.push(blobs.toString("base64", at, at + bytes));
    at += bytes;
  }
  message.buffers = buffers;
  return true;
}

/** Puts large MIME values back into their bundle. False when one is not what it claims to be. */
function putBlobs(data: JsonObject, listed: z.output<typeof blobList>, blobs: Buffer): boolean {
  let at = 0;
  for (const { key, kind, bytes } of listed) {
    const text = blobs.toString("utf8", at, at + bytes);
    at += bytes;
    const value = kind === "text" ? text : RawJson.from(text);
    if (value === null) return false;
    data[key.toWellFormed()] = value;
  }
  return true;
}
