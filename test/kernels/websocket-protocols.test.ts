import { describe, expect, it } from "vitest";
import { jsonMembers } from "../../src/kernels/json-members.js";
import { decodeDefault, encodeDefault } from "../../src/kernels/websocket-default.js";
import { decodeV1, encodeV1, MalformedMessage } from "../../src/kernels/websocket-v1.js";

const bytes = (...texts: string[]): Buffer[] => texts.map((text) => Buffer.from(text));
const HEADER = '{"msg_id":"a\\"b","msg_type":"stream"}';

describe("the v1 protocol", () => {
  it("gives back what it was given, byte by byte", () => {
    const parts = [
      ...bytes(HEADER, "{}", "{}", '{"a":NaN}'),
      Buffer.from([0, 255]),
      Buffer.alloc(0),
    ];
    expect(decodeV1(encodeV1({ channel: "iopub", parts }))).toEqual({ channel: "iopub", parts });
  });

  it("refuses whatever is no message", () => {
    const frame = encodeV1({ channel: "shell", parts: bytes("{}", "{}", "{}", "{}") });
    const changed = (at: number, value: number) => {
      const copy = Buffer.from(frame);
      copy.writeUInt8(value, at);
      return copy;
    };
    const wrong = [
      ...[0, 1, 7, 8, 40, frame.length - 1].map((length) => frame.subarray(0, length)),
      ...[
        changed(0, 5),
        changed(0, 255),
        changed(4, 1),
        changed(8, 1),
        changed(16, 1),
        changed(23, 1),
      ],
      encodeV1({ channel: "shell", parts: [] }),
    ];
    for (const data of wrong) expect(() => decodeV1(data)).toThrow(MalformedMessage);
  });
});

describe("the default protocol", () => {
  const content = '{"big":123456789012345678901234567890,"nan":NaN,"z":1,"a":"}\\\\"}';
  const text = (channel: string) =>
    `{"content": ${content}, "channel":"${channel}","header":${HEADER} , "metadata":{},"parent_header":{}}`;

  it("takes the JSON of the parts as it was written", () => {
    expect(decodeDefault(Buffer.from(text("shell")), false)).toEqual({
      channel: "shell",
      parts: bytes(HEADER, "{}", "{}", content),
    });
  });

  it("carries buffers in binary frames, both ways", () => {
    const message = {
      channel: "iopub",
      parts: [...bytes(HEADER, "{}", "{}", content), Buffer.from([1, 2])],
    };
    const frame = encodeDefault(message, false);
    expect(frame.binary).toBe(true);
    expect(decodeDefault(frame.data, true)).toEqual(message);
  });

  it("names id and type beside the header, and is UTF-8 whatever the kernel sent", () => {
    const parts = [
      ...bytes(HEADER, "{}", "{}"),
      Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    ];
    const { data, binary } = encodeDefault({ channel: "iopub", parts }, false);
    expect(binary).toBe(false);
    expect(JSON.parse(data.toString())).toEqual({
      header: { msg_id: 'a"b', msg_type: "stream" },
      msg_id: 'a"b',
      msg_type: "stream",
      parent_header: {},
      metadata: {},
      content: { "\ufffd": 1 },
      buffers: [],
      channel: "iopub",
    });
  });

  it("tells text-only clients how large the buffers were", () => {
    const parts = [...bytes(HEADER, "{}", "{}", "{}"), Buffer.alloc(3), Buffer.alloc(5)];
    const { data, binary } = encodeDefault({ channel: "iopub", parts }, true);
    expect(binary).toBe(false);
    expect(JSON.parse(data.toString())).toMatchObject({ dropped_buffer_bytes: [3, 5] });
  });

  it("refuses whatever is no message", () => {
    const texts = [
      "",
      "null",
      "[]",
      "{",
      '{"header"',
      '{"header":',
      '{"header":{}',
      '{"a":1}',
      `${text("shell")}x`,
    ];
    for (const wrong of texts)
      expect(() => decodeDefault(Buffer.from(wrong), false), wrong).toThrow(MalformedMessage);
    for (const length of [0, 3, 4, 11])
      expect(() => decodeDefault(Buffer.alloc(length, 1), true)).toThrow(MalformedMessage);
  });
});

describe("members of a JSON object", () => {
  const of = (text: string) =>
    Object.fromEntries(
      [...(jsonMembers(Buffer.from(text)) ?? [])].map(([key, value]) => [key, String(value)]),
    );

  it("are the bytes of their values", () => {
    expect(of('{"a":[1,{"b":"]}"}],"c" : "x\\\\\\"," , "d":-1e5,"a":null}')).toEqual({
      a: "null",
      c: '"x\\\\\\","',
      d: "-1e5",
    });
    expect(of(" { } ")).toEqual({});
  });

  it("are none where the text is no object", () => {
    for (const text of [
      "",
      "1",
      "{,}",
      '{"a"}',
      '{"a":}',
      '{"a":1,}',
      '{"a":"b',
      '{"a":[1}',
      "{} {}",
    ]) {
      expect(jsonMembers(Buffer.from(text)), text).toBeNull();
    }
  });
});
