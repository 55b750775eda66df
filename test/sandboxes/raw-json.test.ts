import { describe, expect, it } from "vitest";

import { RawJson, stringifyJson } from "../../src/sandboxes/raw-json.js";

const valid = [
  "0",
  "-0.5e+10",
  '"text"',
  "true",
  "null",
  "[]",
  "{}",
  ' [ 1 , { "a" : [ ] } ] ',
  String.raw`"\"\\\/\b\f\n\r\t\u00e9"`,
  '{"":{"":[[],[{}]]}}',
  '"\u2028\u007f😀"',
  "[".repeat(64) + "]".repeat(64),
];

const invalid = [
  "",
  " ",
  "01",
  "+1",
  ".5",
  "1.",
  "NaN",
  "Infinity",
  "undefined",
  "'a'",
  '"open',
  '"\\x41"',
  '"\\u12"',
  '"tab\tinside"',
  "[1,]",
  "[,1]",
  "[1 2]",
  "[1}",
  "[1",
  "]",
  "{,}",
  '{"a"}',
  '{"a":}',
  '{"a":1,}',
  "{a:1}",
  '{"a":1 "b":2}',
  "1 2",
  "truefalse",
  "//",
  "[".repeat(65) + "]".repeat(65),
  "[".repeat(1_000_000),
];

describe("raw JSON", () => {
  it.each(valid)("is %j", (text) => {
    expect(RawJson.from(text)?.text).toBe(text);
    expect(RawJson.from(text)?.toJSON()).toEqual(JSON.parse(text));
  });

  it.each(invalid)("is not %j", (text) => {
    expect(RawJson.from(text)).toBeNull();
  });

  it("is not what breaks lines, even where JSON lets it", () => {
    expect(RawJson.from("[\n1]")).toBeNull();
    expect(RawJson.from("[\r1]")).toBeNull();
    expect(RawJson.from("[\t1]")).toBeNull();
  });

  it("agrees with the parser about what is JSON", () => {
    const pieces = [
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"a"',
      "1",
      "-",
      "e1",
      ".5",
      "null",
      " ",
      '"\\n"',
    ];
    let seed = 1;
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    let accepted = 0;
    for (let round = 0; round < 20_000; round += 1) {
      const text = Array.from({ length: 1 + random(6) }, () => pieces[random(pieces.length)]).join(
        "",
      );
      const taken = RawJson.from(text) !== null;
      if (taken !== parses(text)) expect.fail(`${text} is judged differently`);
      if (taken) accepted += 1;
    }
    expect(accepted).toBeGreaterThan(400);
  });

  it("has lone surrogates replaced, as characters and as escapes", () => {
    expect(RawJson.from('"a\ud800b"')?.text).toBe('"a\ufffdb"');
    const escapes = String.raw`["\ud83d\ude00","\ud83d","\ude00","\\ud83d","\ud83d\n","\ude00\ude00","\ud83d\ud83d\ude00"]`;
    expect(RawJson.from(escapes)?.text).toBe(
      String.raw`["\ud83d\ude00","\ufffd","\ufffd","\\ud83d","\ufffd\n","\ufffd\ufffd","\ufffd\ud83d\ude00"]`,
    );
  });
});

describe("stringifyJson", () => {
  it("splices raw JSON in at any depth, without parsing it", () => {
    const raw = RawJson.from('{"a": 1.0}');
    const value = {
      type: "display_data",
      data: Object.assign(Object.create(null) as object, {
        "application/json": raw,
        "text/plain": "x",
      }),
      outputs: [{ data: { "application/json": raw } }, raw],
    };
    expect(stringifyJson(value)).toBe(
      '{"type":"display_data","data":{"application/json":{"a": 1.0},"text/plain":"x"},' +
        '"outputs":[{"data":{"application/json":{"a": 1.0}}},{"a": 1.0}]}',
    );
  });

  it("leaves out what is undefined, as JSON.stringify does", () => {
    const raw = RawJson.from("1");
    expect(stringifyJson({ a: undefined, raw, list: [undefined, raw] })).toBe(
      '{"raw":1,"list":[null,1]}',
    );
  });

  it("is JSON.stringify where there is nothing raw", () => {
    const value = { a: [1, "ü", null, { b: true }], at: new Date(0) };
    expect(stringifyJson(value)).toBe(JSON.stringify(value));
  });
});

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
