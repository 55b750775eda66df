/** A large MIME value, or a comm's buffer, beside a record's head. */
export interface Blob {
  key: string;
  kind: "text" | "json" | "buffer";
  text: string;
}

/** A frame as kerneld writes it: of the journal with blobs, or with any text behind its head, which may be raw, to lie. */
export function encodeFrame(head: object | string, rest: Blob[] | string = []): Buffer {
  const blobs = typeof rest === "string" ? [] : rest;
  const bodies =
    typeof rest === "string" ? [Buffer.from(rest)] : blobs.map((blob) => Buffer.from(blob.text));
  const listed = blobs.map(({ key, kind }, index) => ({ key, kind, bytes: bodies[index]?.length }));
  const text =
    typeof head === "string"
      ? head
      : JSON.stringify(blobs.length === 0 ? head : { ...head, blobs: listed });
  const headBytes = Buffer.from(text);
  const lengths = Buffer.alloc(8);
  const size = bodies.reduce((sum, body) => sum + body.length, headBytes.length);
  lengths.writeUInt32BE(4 + size, 0);
  lengths.writeUInt32BE(headBytes.length, 4);
  return Buffer.concat([lengths, headBytes, ...bodies]);
}
