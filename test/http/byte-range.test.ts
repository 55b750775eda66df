import { describe, expect, it } from "vitest";
import { parseByteRange } from "../../src/http/byte-range.js";

describe("a Range header", () => {
  it.each([
    ["bytes=0-4", 10, { offset: 0, length: 5 }],
    ["bytes=5-", 10, { offset: 5, length: 5 }],
    ["bytes=5-100", 10, { offset: 5, length: 5 }],
    ["bytes=-3", 10, { offset: 7, length: 3 }],
    ["bytes=-30", 10, { offset: 0, length: 10 }],
    ["bytes=10-", 10, null],
    ["bytes=-0", 10, null],
    ["bytes=0-0", 0, null],
  ])("%s of %i bytes", (header, size, span) => {
    expect(parseByteRange(header)?.within(size)).toEqual(span);
  });

  it.each([
    undefined,
    "bytes=",
    "bytes=-",
    "bytes=5-4",
    "bytes=0-1,3-4",
    "lines=0-1",
    "bytes=1e9-",
    "x",
  ])("%s is ignored", (header) => {
    expect(parseByteRange(header)).toBeUndefined();
  });
});
