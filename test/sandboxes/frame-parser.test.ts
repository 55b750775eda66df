import { describe, expect, it } from "vitest";

import { createFrameParser } from "../../src/sandboxes/frame-parser.js";
import { encodeFrame } from "./frames.js";

const MEBIBYTE = 1024 * 1024;

const frames = [
  encodeFrame({ n: 1 }),
  encodeFrame({ n: 2 }, [{ key: "text/plain", kind: "text", text: "ü".repeat(100) }]),
  encodeFrame("x".repeat(300_000)),
  encodeFrame({ n: 3 }, [{ key: "a", kind: "text", text: "y".repeat(2 * MEBIBYTE) }]),
  encodeFrame(""),
  encodeFrame({ n: 4 }),
];

function parse(chunks: Iterable<Buffer>): { head: string; blobs: string; bytes: number }[] {
  const parser = createFrameParser();
  const parsed = [];
  for (const chunk of chunks) {
    for (const { head, blobs, bytes } of parser.push(chunk)) {
      parsed.push({ head: head.toString(), blobs: blobs.toString(), bytes });
    }
  }
  expect(parser.partial).toBe(false);
  return parsed;
}

function* cut(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const lengths = (...values: number[]) => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32BE(value, index * 4));
  return bytes;
};

describe("the frame parser", () => {
  const whole = Buffer.concat(frames);

  it.each([1, 3, 7, 8, 9, 1_000, 65_536, whole.length])(
    "finds the same frames in chunks of %d",
    (size) => {
      const parsed = parse(cut(whole, size));
      expect(parsed.map(({ bytes }) => bytes)).toEqual(frames.map(({ length }) => length));
      expect(parsed.map(({ head }) => head.slice(0, 6))).toEqual([
        '{"n":1',
        '{"n":2',
        "xxxxxx",
        '{"n":3',
        "",
        '{"n":4',
      ]);
      expect(parsed[1]?.blobs).toBe("ü".repeat(100));
      expect(parsed[3]?.blobs).toBe("y".repeat(2 * MEBIBYTE));
    },
  );

  it.each<[string, Buffer]>([
    ["of more than 24 MiB", lengths(24 * MEBIBYTE + 1, 10)],
    ["of 4 GiB", lengths(0xffffffff, 10)],
    ["with a head of more than 1 MiB", lengths(2 * MEBIBYTE, MEBIBYTE + 1)],
    ["with a head longer than itself", lengths(10, 7)],
    ["too short for its own head's length", lengths(3, 0)],
  ])("refuses a frame %s as soon as its lengths are there", (_, bytes) => {
    expect(() => parse([bytes])).toThrow("frame");
    expect(() => parse(cut(bytes, 1))).toThrow("frame");
  });

  it("takes no memory for what is only announced", () => {
    const before = process.memoryUsage().arrayBuffers;
    const parsers = Array.from({ length: 100 }, () => createFrameParser());
    for (const parser of parsers) {
      expect([...parser.push(lengths(24 * MEBIBYTE, 10))]).toEqual([]);
      expect([...parser.push(Buffer.from("x"))]).toEqual([]);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * MEBIBYTE);
    expect(parsers.every(({ partial }) => partial)).toBe(true);
  });
});
