import { describe, expect, it } from "vitest";
import { createJupyterFrameParser, frameHead } from "../../src/sandboxes/jupyter-frames.js";

const frame = (kind: number, target: number, text: string): Buffer =>
  Buffer.concat([frameHead(kind, target, Buffer.byteLength(text)), Buffer.from(text)]);

describe("frames of Jupyter clients", () => {
  const stream = Buffer.concat([
    frame(2, 7, "one"),
    frame(3, 4294967295, ""),
    frame(4, 1, "three"),
  ]);

  it.each([1, 2, 5, 9, 13, 1000])("are cut from chunks of %i bytes", (size) => {
    const parser = createJupyterFrameParser();
    const frames = [];
    for (let at = 0; at < stream.length; at += size) {
      for (const { kind, target, payload } of parser.push(stream.subarray(at, at + size))) {
        frames.push([kind, target, payload.toString()]);
      }
    }
    expect(frames).toEqual([
      [2, 7, "one"],
      [3, 4294967295, ""],
      [4, 1, "three"],
    ]);
  });

  it.each([0, 4, 72 * 1024 * 1024 + 1, 0xffffffff])(
    "of the length %i are a violation",
    (length) => {
      const head = Buffer.alloc(9);
      head.writeUInt32BE(length, 0);
      expect(() => [...createJupyterFrameParser().push(head)]).toThrow("impossible length");
    },
  );
});
