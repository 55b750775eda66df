/** A large MIME value beside a record's head. */
export interface Blob {
  key: string;
  kind: "text" | "json";
  text: string;
}

/** A frame of the journal, as kerneld writes it. `head` may be raw text, to lie. */
export function encodeFrame(head: object | string, blobs: Blob[] = []): Buffer {
  const bodies = blobs.map((blob) => Buffer.from(blob.text));
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
