import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";

import { createJournalClient } from "../../src/sandboxes/journal.js";
import type { JournalRecord, MessageRecord } from "../../src/sandboxes/journal-record.js";
import type { SandboxLink } from "../../src/sandboxes/link.js";
import { RawJson } from "../../src/sandboxes/raw-json.js";
import { type Blob, encodeFrame } from "./frames.js";
import {
  type HostileKerneld,
  chunk,
  chunkedHead,
  flood,
  jsonAnswer,
  startHostileKerneld,
} from "./hostile-kerneld.js";
import { finishedHead, messageHead, runHead, startedHead } from "./records.js";
import { testLink } from "./test-link.js";

let link: SandboxLink;
let kerneld: HostileKerneld;

beforeEach(async () => {
  link = await testLink();
  kerneld = await startHostileKerneld(link.socketPath);
  return () => kerneld.close();
});

const journal = (query: { after?: number; follow?: boolean; signal?: AbortSignal } = {}) =>
  createJournalClient(link).journal({ after: 0, follow: false, ...query });

/** Reads a journal of these frames. */
async function read(...frames: Buffer[]): Promise<JournalRecord[]> {
  kerneld.answers.set("/journal", (socket) => {
    socket.write(chunkedHead());
    for (const frame of frames) socket.write(chunk(frame));
    socket.write("0\r\n\r\n");
  });
  const records = [];
  for await (const record of journal()) records.push(record);
  return records;
}

const readHead = (head: object | string, blobs?: Blob[]) => read(encodeFrame(head, blobs));
const message = async (fields: object, blobs?: Blob[]): Promise<MessageRecord> => {
  const [record] = await readHead(messageHead(1, fields), blobs);
  if (record?.kind !== "message") throw new Error(`a ${String(record?.kind)}`);
  return record;
};

const violates = { code: "sandbox_protocol_violation" };

describe("a journal", () => {
  it("is the records that were written, in their order", async () => {
    const heads = [
      { n: 1, at: 1, kind: "gap", from: 1, to: 1, reason: "journal_full" },
      runHead(2, "queued", { position: 1 }),
      startedHead(3),
      messageHead(5),
      runHead(6, "deadline", { step: "interrupt" }),
      runHead(7, "output_truncated", { name: "stdout", dropped_bytes: 10 }),
      finishedHead(8, { status: "interrupted", reason: "deadline" }),
      { ...runHead(9, "dead"), kind: "kernel", run: undefined, reason: "oom", signal: 9 },
    ];
    const records = await read(...heads.map((head) => encodeFrame(head)));
    expect(records.map(({ n }) => n)).toEqual([1, 2, 3, 5, 6, 7, 8, 9]);
    expect(records[2]).toEqual(heads[2]);
    expect(records[6]).toEqual(heads[6]);
    expect(records[3]).toEqual({ ...heads[3], late: false });
    expect(records[7]).toMatchObject({ kind: "kernel", event: "dead", reason: "oom", signal: 9 });
  });

  it.each<[string, Record<string, unknown> | string]>([
    ["is no JSON", "{"],
    ["is no object", "[]"],
    ["has NaN for its number", JSON.stringify(messageHead(1)).replace('"n":1', '"n":NaN')],
    ["has a number of 2^53", messageHead(2 ** 53)],
    ["has the number 0", messageHead(0)],
    ["has a fraction for its number", messageHead(1.5)],
    ["has no number", messageHead(1, { n: undefined })],
    ["has an unknown kind", messageHead(1, { kind: "news" })],
    ["has an unknown event", runHead(1, "execution_reborn")],
    ["has a newline in its event", runHead(1, "deadline\n", { step: "kill" })],
    ["is of a run with a path for its id", finishedHead(1, { run: "../../etc" })],
    ["is of a run without id", finishedHead(1, { run: null })],
    ["is of a kernel that is no UUID", finishedHead(1, { kernel: "__proto__" })],
    ["has an unknown status", finishedHead(1, { status: "fine" })],
    ["has text for a time", finishedHead(1, { at: "now" })],
    [
      "is a gap that ends before it begins",
      { n: 1, at: 1, kind: "gap", from: 3, to: 1, reason: "x" },
    ],
    ["is a gap that ends elsewhere", { n: 5, at: 1, kind: "gap", from: 1, to: 4, reason: "x" }],
  ])("with a record that %s is a violation", async (_, head) => {
    const violations: unknown[] = [];
    link.events.on("violation", (error) => violations.push(error));
    await expect(readHead(head)).rejects.toMatchObject(violates);
    expect(violations).toHaveLength(1);
  });

  it.each([
    ["fall", [2, 1]],
    ["repeat", [1, 1]],
  ])("whose numbers %s is a violation", async (_, [first, second]) => {
    await expect(
      read(encodeFrame(messageHead(first ?? 0)), encodeFrame(messageHead(second ?? 0))),
    ).rejects.toMatchObject(violates);
  });

  it("that begins before what was asked for is a violation", async () => {
    kerneld.answers.set(
      "/journal",
      (socket) =>
        void socket.write(chunkedHead() + chunk(encodeFrame(messageHead(5))).toString("latin1")),
    );
    await expect(journal({ after: 5 })[Symbol.asyncIterator]().next()).rejects.toMatchObject(
      violates,
    );
  });

  it("that ends within a frame is a violation", async () => {
    await expect(read(encodeFrame(messageHead(1)).subarray(0, 50))).rejects.toMatchObject(violates);
  });

  it("with a frame of 4 GiB is a violation, as soon as it is announced", async () => {
    kerneld.answers.set("/journal", (socket) =>
      flood(socket, Buffer.concat([Buffer.from(chunkedHead()), chunk(Buffer.alloc(65_536, 0xff))])),
    );
    await expect(journal()[Symbol.asyncIterator]().next()).rejects.toMatchObject(violates);
  });

  it("in one-byte chunks is the same journal", async () => {
    const frames = Buffer.concat([1, 2, 3].map((n) => encodeFrame(messageHead(n))));
    kerneld.answers.set("/journal", (socket) => {
      socket.write(chunkedHead());
      for (const byte of frames) socket.write(chunk(Buffer.of(byte)));
      socket.write("0\r\n\r\n");
    });
    const numbers = [];
    for await (const { n } of journal()) numbers.push(n);
    expect(numbers).toEqual([1, 2, 3]);
  });

  it("that is refused is kerneld's error", async () => {
    kerneld.answers.set(
      "/journal",
      (socket) => void socket.write(jsonAnswer({ code: "execution_forgotten", detail: "" }, 410)),
    );
    await expect(journal()[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "execution_forgotten",
    });
  });

  it("without end, one record a frame, does not keep a neighbour waiting", async () => {
    let n = 0;
    kerneld.answers.set("/journal", (socket) => {
      socket.write(chunkedHead());
      const pour = () => {
        while (!socket.destroyed) {
          const frames = Array.from({ length: 500 }, () => encodeFrame(messageHead((n += 1))));
          if (!socket.write(chunk(Buffer.concat(frames)))) {
            socket.once("drain", pour);
            return;
          }
        }
      };
      pour();
    });
    const abort = new AbortController();
    let records = 0;
    const flooded = (async () => {
      for await (const record of journal({ signal: abort.signal })) records = record.n;
    })();
    const neighbour = await testLink();
    const friend = await startHostileKerneld(neighbour.socketPath);
    onTestFinished(() => friend.close());
    await expect.poll(() => records).toBeGreaterThan(1_000);
    for (let round = 0; round < 20; round += 1) {
      const answer = await neighbour.request({ method: "GET", path: "/x", answerWithinMs: 1_000 });
      while ((await answer.body.read(1_000)) !== null);
    }
    abort.abort(new Error("enough"));
    await expect(flooded).rejects.toThrow("enough");
  });

  it("whose records are much work leaves the event loop to others between them", async () => {
    let turns = 0;
    let running = true;
    const count = () => {
      turns += 1;
      if (running) setImmediate(count);
    };
    const frames = Array.from({ length: 200 }, (_, index) => encodeFrame(messageHead(index + 1)));
    kerneld.answers.set(
      "/journal",
      (socket) =>
        void socket.write(
          Buffer.concat([
            Buffer.from(chunkedHead()),
            chunk(Buffer.concat(frames)),
            Buffer.from("0\r\n\r\n"),
          ]),
        ),
    );
    count();
    const inOneTurn = new Map<number, number>();
    for await (const record of journal()) {
      expect(record.n).toBeGreaterThan(0);
      inOneTurn.set(turns, (inOneTurn.get(turns) ?? 0) + 1);
      const until = performance.now() + 0.5;
      while (performance.now() < until);
    }
    running = false;
    expect(Math.max(...inOneTurn.values())).toBeLessThan(10);
  });

  it("that stops within a frame is given up after 30 s", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    onTestFinished(() => void vi.useRealTimers());
    kerneld.answers.set(
      "/journal",
      (socket) => void socket.write(chunkedHead() + "8\r\n\0\0\0\x10\0\0\0\x08\r\n"),
    );
    const stuck = expect(
      journal({ follow: true })[Symbol.asyncIterator]().next(),
    ).rejects.toMatchObject({ code: "sandbox_unresponsive" });
    await expect.poll(() => kerneld.requests).toHaveLength(1);
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    vi.advanceTimersByTime(30_001);
    await stuck;
  });

  it("that nobody reads waits in the sandbox, not in the gateway", async () => {
    let poured = 0;
    const frame = chunk(
      encodeFrame(messageHead(1, { content: { name: "stdout", text: "x".repeat(60_000) } })),
    );
    kerneld.answers.set("/journal", (socket) => {
      socket.write(chunkedHead());
      const pour = () => {
        while (!socket.destroyed) {
          poured += frame.length;
          if (!socket.write(frame)) {
            socket.once("drain", pour);
            return;
          }
        }
      };
      pour();
    });
    const iterator = journal()[Symbol.asyncIterator]();
    await iterator.next();
    for (let turn = 0; turn < 1_000; turn += 1)
      await new Promise((resolve) => setImmediate(resolve));
    expect(poured).toBeLessThan(4 * 1024 * 1024);
    await iterator.return?.();
  });
});

describe("a message", () => {
  it("has a bundle without prototype, whatever its keys are", async () => {
    const bundle = '{"__proto__":{"polluted":1},"constructor":"c","toString":"t","text/plain":"x"}';
    const head = JSON.stringify(
      messageHead(1, { msg_type: "display_data", content: { data: "BUNDLE", metadata: "BUNDLE" } }),
    ).replaceAll('"BUNDLE"', bundle);
    const [record] = await readHead(head);
    const { data, metadata } = (record as MessageRecord).content as Record<string, object>;
    for (const keyed of [data, metadata]) {
      expect(Object.getPrototypeOf(keyed)).toBeNull();
      expect(Object.keys(keyed ?? {})).toEqual([
        "__proto__",
        "constructor",
        "toString",
        "text/plain",
      ]);
    }
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it("has its large values back in their bundle: text as text, JSON unparsed", async () => {
    const { content } = await message({ msg_type: "display_data", content: { data: { a: "b" } } }, [
      { key: "text/html", kind: "text", text: `<p>ü${"x".repeat(300_000)}` },
      { key: "application/json", kind: "json", text: '{"a": [1.0]}' },
      { key: "__proto__", kind: "text", text: "harmless" },
    ]);
    const data = content["data"] as Record<string, unknown>;
    expect(Object.keys(data)).toEqual(["a", "text/html", "application/json", "__proto__"]);
    expect(data["text/html"]).toHaveLength(300_004);
    expect(data["application/json"]).toBeInstanceOf(RawJson);
    expect((data["application/json"] as RawJson).text).toBe('{"a": [1.0]}');
    expect(Object.getPrototypeOf(data)).toBeNull();
  });

  it("of a comm has its buffers in base64, in their order", async () => {
    const comm = { msg_type: "comm_msg", content: { comm_id: "c", data: {} } };
    const { buffers } = await message(comm, [
      { key: "0", kind: "buffer", text: "\u0000ü" },
      { key: "1", kind: "buffer", text: "" },
    ]);
    expect(buffers).toEqual(["AMO8", ""]);
    expect(await message({ ...comm, buffers: ["forged"] })).not.toHaveProperty("buffers");
  });

  it("has well-formed text, whatever was written", async () => {
    const { content } = await message({ content: { name: "stdout", text: "a\ud800b" } });
    expect(content["text"]).toBe("a\ufffdb");
  });

  const deep = (levels: number) => JSON.parse("[".repeat(levels) + "]".repeat(levels)) as unknown;

  it.each<[string, object, Blob[]?]>([
    ["nested too deeply", { content: { data: { a: deep(70) } } }],
    ["nested 200,000 deep", { content: { data: "DEEP" } }],
    ["with a newline in its type", { msg_type: "stream\nevent: execution_finished" }],
    ["with a list for its content", { content: [] }],
    ["with metadata that is text", { metadata: "x" }],
    ["from an unknown channel", { channel: "shell" }],
    [
      "with a large value that is no JSON",
      { content: { data: {} } },
      [{ key: "a", kind: "json", text: "{" }],
    ],
    [
      "with a buffer out of its place",
      { content: { data: {} } },
      [{ key: "1", kind: "buffer", text: "x" }],
    ],
    ["with large values and no bundle", { content: {} }, [{ key: "a", kind: "text", text: "x" }]],
  ])("%s is a gap of one, and the journal goes on", async (_, fields, blobs) => {
    const head = JSON.stringify(
      blobs === undefined
        ? messageHead(1, fields)
        : messageHead(1, {
            ...fields,
            blobs: blobs.map(({ key, kind, text }) => ({ key, kind, bytes: text.length })),
          }),
    ).replace('"DEEP"', "[".repeat(200_000) + "]".repeat(200_000));
    const frame = encodeFrame(head);
    const text = Buffer.from(blobs?.[0]?.text ?? "");
    const whole = Buffer.concat([frame, text]);
    whole.writeUInt32BE(whole.length - 4, 0);
    const records = await read(whole, encodeFrame(messageHead(2)));
    expect(records).toMatchObject([
      { kind: "gap", n: 1, from: 1, to: 1, reason: "unreadable" },
      { kind: "message", n: 2 },
    ]);
  });

  it.each<[string, unknown]>([
    ["more bytes than there are", [{ key: "a", kind: "text", bytes: 5 }]],
    ["a negative size", [{ key: "a", kind: "text", bytes: -1 }]],
    ["an unknown kind", [{ key: "a", kind: "pickle", bytes: 0 }]],
    ["no list", "x"],
    ["a value over 4 MiB", [{ key: "a", kind: "text", bytes: 5 * 1024 * 1024 }]],
  ])("whose list of large values has %s is a violation", async (_, blobs) => {
    await expect(readHead(messageHead(1, { content: { data: {} }, blobs }))).rejects.toMatchObject(
      violates,
    );
  });
});

describe("a run's end", () => {
  it("has figures within their ranges, whatever was claimed", async () => {
    const usage = '"usage":{"cpu_ms":-1,"memory_peak_bytes":1e300}';
    const head = JSON.stringify(finishedHead(1)).replace(/"usage":\{[^}]*\}/, usage);
    const [record] = await readHead(head);
    expect(record).toMatchObject({ usage: { cpu_ms: 0, memory_peak_bytes: 1e13 } });
  });

  it("has a bounded, well-formed reason", async () => {
    const [record] = await readHead(finishedHead(1, { reason: `\ud800${"x".repeat(10_000)}` }));
    expect((record as { reason: string }).reason).toBe(`\ufffd${"x".repeat(499)}`);
  });
});
