import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readFrames, type JournalRecord } from "./frames.js";
import { Sandbox } from "./sandbox.js";

const LINES_40_MB = "import sys\nfor i in range(400): sys.stdout.write('x' * 99_999 + '\\n')";
const UNLIMITED = { max_output_bytes: 2 ** 40 };

async function collect(records: AsyncIterable<JournalRecord>): Promise<JournalRecord[]> {
  const all = [];
  for await (const record of records) all.push(record);
  return all;
}

describe("the journal", () => {
  let sandbox: Sandbox;
  let kernel: string;

  beforeAll(async () => {
    [sandbox, kernel] = await Sandbox.withKernel();
  });
  afterAll(() => sandbox.close());

  test("is one sequence from 1 over all kernels, and resumes anywhere", async () => {
    const other = randomUUID();
    await sandbox.send("POST", "/kernels", { id: other, language: "python" });
    await Promise.all([sandbox.execute(kernel, "'one'"), sandbox.execute(other, "'two'")]);
    const all = (await collect(sandbox.journal("after=0"))).map(({ head }) => head);
    expect(all.map(({ n }) => n)).toEqual(all.map((_, index) => index + 1));
    const rest = (await collect(sandbox.journal("after=5"))).map(({ head }) => head);
    expect(rest).toEqual(all.slice(5));
    const one = (await collect(sandbox.journal(`kernel=${other}`))).map(({ head }) => head);
    expect(one).toEqual(all.filter((head) => head.kernel === other));
  });

  test("marks output that comes after the run's end, and keeps it out of the run", async () => {
    const code = `
import threading
def speak(): print('late words')
threading.Timer(0.2, speak).start()`;
    const run = await sandbox.execute(kernel, code);
    const id = String(run.finished.run);
    const late = await sandbox.until(`after=${run.finished.n}`, (head) => head.late === true);
    expect(late).toMatchObject({ run: id, msg_type: "stream", content: { text: "late words\n" } });
    const heads = (await collect(sandbox.journal(`run=${id}`))).map(({ head }) => head);
    expect(heads.at(-1)?.event).toBe("execution_finished");
  });

  test("passes rich output on whole", async () => {
    const code = `
from IPython.display import clear_output
handle = display({'text/plain': 'a', 'x/y': {'deep': [1]}}, metadata={'m': 1}, raw=True, display_id='d')
handle.update({'text/plain': 'b'}, raw=True)
clear_output(wait=True)`;
    const run = await sandbox.execute(kernel, code);
    expect(run.of("display_data")[0]?.content).toEqual({
      data: { "text/plain": "a", "x/y": { deep: [1] } },
      metadata: { m: 1 },
      transient: { display_id: "d" },
    });
    expect(run.of("update_display_data")[0]?.content).toMatchObject({
      data: { "text/plain": "b" },
    });
    expect(run.of("clear_output")[0]?.content).toEqual({ wait: true });
  });

  test("has what was meant for a pager as a display", async () => {
    const run = await sandbox.execute(kernel, "len?");
    expect(JSON.stringify(run.of("display_data")[0]?.content)).toContain("Return the number");
  });

  test("holds back text past the limit: head, count, tail", async () => {
    const code = "for i in range(100_000): print('%06d' % i)";
    const run = await sandbox.execute(kernel, code, { max_output_bytes: 4000 });
    const truncated = run.of("output_truncated")[0];
    expect(truncated).toMatchObject({ name: "stdout", dropped_bytes: 700_000 - 4000 - 1000 });
    const before = run.heads.filter((head) => head.n < (truncated?.n ?? 0));
    expect(before.map(({ content }) => (content?.["text"] ?? "") as string).join("")).toHaveLength(
      4000,
    );
    expect(run.text("stdout")).toHaveLength(5000);
    expect(run.text("stdout").endsWith("099999\n")).toBe(true);
    expect(run.finished["output"]).toEqual({
      stdout_bytes: 700_000,
      stderr_bytes: 0,
      truncated: true,
    });
  });

  test("cuts between characters", async () => {
    const run = await sandbox.execute(kernel, "print('é' * 1000, end='')", {
      max_output_bytes: 101,
    });
    expect(run.text("stdout")).toBe("é".repeat(50 + 12));
    expect(run.of("output_truncated")[0]).toMatchObject({ dropped_bytes: 2000 - 100 - 24 });
  });

  test("takes a print of 64 MiB", async () => {
    const run = await sandbox.execute(kernel, "print('y' * (1 << 26))");
    expect(run.finished).toMatchObject({
      status: "ok",
      output: { stdout_bytes: 2 ** 26 + 1, truncated: true },
    });
    expect(run.text("stdout")).toHaveLength(2 ** 20 + 2 ** 16);
  });

  test("takes large values out of the head, and larger ones out of the frame", async () => {
    const code = `
display({'text/plain': 'small', 'text/html': 'é' * 200_000, 'application/json': ['j' * 300_000],
         'image/svg+xml': '<svg>' + 's' * 5_000_000}, raw=True)`;
    const run = await sandbox.execute(kernel, code);
    const record = run.records.find(({ head }) => head.msg_type === "display_data");
    expect(record?.head.content?.["data"]).toEqual({ "text/plain": "small" });
    expect(record?.head.blobs).toEqual([
      { key: "text/html", kind: "text", bytes: 400_000 },
      { key: "application/json", kind: "json", bytes: 300_004 },
    ]);
    expect(record?.blobs[0]?.toString()).toBe("é".repeat(200_000));
    expect(JSON.parse(record?.blobs[1]?.toString() ?? "")).toEqual(["j".repeat(300_000)]);
    const { hotcell } = record?.head.content?.["metadata"] as {
      hotcell: { artifacts: { id: string; mime: string; bytes: number; kind: string }[] };
    };
    const [artifact] = hotcell.artifacts;
    expect(artifact).toMatchObject({ mime: "image/svg+xml", bytes: 5_000_005, kind: "text" });
    const { body } = await sandbox.send("GET", `/artifacts/${artifact?.id ?? ""}`);
    expect(body.toString()).toBe("<svg>" + "s".repeat(5_000_000));
    const none = await sandbox.send("GET", "/artifacts/none");
    expect(none).toMatchObject({ status: 404, json: { code: "artifact_not_found" } });
  });

  test("says of a value that finds no room that it is not kept", async () => {
    const [small, its] = await Sandbox.withKernel({ privateSize: "32m" });
    try {
      const run = await small.execute(
        its,
        "display({'image/png': 'p' * 30_000_000, 'text/plain': 'a figure'}, raw=True)",
      );
      expect(run.of("display_data")[0]?.content).toMatchObject({
        data: {
          "text/plain": "a figure\n[image/png of 30000000 bytes left out: too large to be kept]",
        },
        metadata: {
          hotcell: {
            artifacts: [{ id: null, mime: "image/png", bytes: 30_000_000, kind: "text" }],
          },
        },
      });
    } finally {
      await small.close();
    }
  });

  test("fits an error of any size into a frame", async () => {
    const run = await sandbox.execute(kernel, "raise Exception('e' * 5_000_000)");
    expect(run.finished["status"]).toBe("error");
    expect(run.of("error")[0]?.content).toMatchObject({ ename: "Exception" });
  });

  test("survives what no kernel would say", async () => {
    const code = `
import json, os, zmq
from ipykernel.kernelbase import Kernel
here = get_ipython().kernel
parent = here.get_parent()
def header(kind): return json.dumps({'msg_id': 'forged', 'msg_type': kind}).encode()
def content(text): return text.encode() if isinstance(text, str) else text
forged = [
    [b'<IDS|MSG>'],
    [b'x'] * 9,
    [b'x', b'<IDS|MSG>', b'', b'{', b'{}', b'{}', b'{}'],
    [b'x', b'<IDS|MSG>', b'', b'[' * 60_000, b'{}', b'{}', b'{}'],
]
def forge(kind, text):
    forged.append([b'x', b'<IDS|MSG>', b'', header(kind), json.dumps(parent['header'], default=str).encode(),
                   b'{}', content(text)])
forge('a b', '{}')
forge('stream', '[]')
forge('stream', '{"name": "stdbad", "text": "x"}')
forge('stream', b'{"name": "stdout", "text": "\\xff"}')
forge('display_data', '{"data": {"a": ' + '[' * 70 + ']' * 70 + '}}')
forge('display_data', '{"data": {"a": ' + '[' * 200_000 + '}}')
forge('display_data', '{"data": {"number": NaN, "more": [Infinity, 1e999]}, "metadata": {}}')
forge('display_data', '{"data": {"lone": "\\\\ud800", "whole": "\\\\ud83d\\\\ude00"}, "metadata": {}}')
forge('display_data', json.dumps({'data': {'k' * 2_000_000: 'v' * 300_000}}))
forge('display_data', '{"data": {"\\\\ud800": "' + 'v' * 300_000 + '"}}')
forge('comm_msg', json.dumps({'k' * 2_000_000: 1}))
forge('comm_open', '{"data": "' + 'c' * 3_000_000 + '"}')
forge('execute_result', json.dumps({'data': {str(i): 'v' * 100 for i in range(20_000)}}))
context = zmq.Context()
import gc
sockets = [s for s in gc.get_objects() if isinstance(s, zmq.Socket) and not s.closed and s.type == zmq.XPUB]
print(len(sockets), flush=True)  # Nothing else may be sent meanwhile.
for parts in forged: sockets[0].send_multipart(parts)
`;
    const run = await sandbox.execute(kernel, code);
    expect(run.finished["status"]).toBe("ok");
    const values = run.of("display_data").map(({ content }) => content?.["data"]);
    expect(values).toContainEqual({ number: null, more: [null, null] });
    expect(values).toContainEqual({ lone: "\ufffd", whole: "\u{1f600}" });
    expect(values).toContainEqual({ "\ufffd": "v".repeat(300_000) });
    expect(JSON.stringify(values)).toMatch(/display_data of \d+ bytes: too many or too large/);
    expect(values).toHaveLength(4);
    for (const head of run.heads)
      expect(Buffer.byteLength(JSON.stringify(head))).toBeLessThan(1024 * 1024);
    expect(run.text("stdout")).toContain("\ufffd");
    expect(run.of("comm_open")[0]?.content).toEqual({ data: {} });
    expect(JSON.stringify(run.of("execute_result")[0]?.content)).toMatch(/too many or too large/);
    expect((await sandbox.execute(kernel, "1+1")).finished["status"]).toBe("ok");
  });
});

describe("a journal that is full", () => {
  test("says in a gap what it no longer has", async () => {
    const [sandbox, kernel] = await Sandbox.withKernel({ privateSize: "16m" });
    try {
      const run = await sandbox.put(kernel, LINES_40_MB, UNLIMITED);
      await sandbox.until("after=0", (head) => head.event === "execution_finished");
      const heads = (await collect(sandbox.journal("after=2"))).map(({ head }) => head);
      const [gap, ...kept] = heads;
      expect(gap).toMatchObject({ kind: "gap", from: 3, to: gap?.n });
      expect(kept.map(({ n }) => n)).toEqual(kept.map((_, index) => (gap?.n ?? 0) + 1 + index));
      expect(kept.at(-1)).toMatchObject({ event: "execution_finished", status: "ok" });
      expect((await sandbox.ended(run)).heads[0]).toMatchObject({ kind: "gap" });
      const state = await sandbox.send("GET", "/state");
      expect(state.json).toMatchObject({ first_n: (gap?.n ?? 0) + 1 });
    } finally {
      await sandbox.close();
    }
  });

  test("keeps how a run has ended when it has dropped what the run has said", async () => {
    const [sandbox, kernel] = await Sandbox.withKernel({ privateSize: "16m" });
    try {
      const early = await sandbox.execute(kernel, "print('early')");
      const { run, n } = early.finished;
      await sandbox.execute(kernel, LINES_40_MB, UNLIMITED);
      const journal = sandbox.journal(`run=${String(run)}&after=${n - 2}`);
      const heads = (await collect(journal)).map(({ head }) => head);
      expect(heads).toEqual([
        expect.objectContaining({ kind: "gap", n: n - 1, from: n - 1, to: n - 1 }),
        early.finished,
      ]);
      expect(await collect(sandbox.journal(`run=${String(run)}&after=${n}`))).toEqual([]);
    } finally {
      await sandbox.close();
    }
  });

  test("makes kernels wait for a reader that is behind, and loses nothing", async () => {
    const [sandbox, kernel] = await Sandbox.withKernel({ privateSize: "16m" });
    try {
      const response = await sandbox.open("GET", "/journal?after=0&follow=1");
      await sandbox.put(kernel, LINES_40_MB, UNLIMITED);
      const lastNumber = async (): Promise<number> =>
        ((await sandbox.send("GET", "/state")).json as { last_n: number }).last_n;
      let before = -1;
      await expect
        .poll(async () => before === (before = await lastNumber()), { interval: 300 })
        .toBe(true);
      expect(before).toBeLessThan(300);
      const numbers = [];
      let bytes = 0;
      for await (const { head } of readFrames(response)) {
        numbers.push(head.n);
        if (head.msg_type === "stream") bytes += (head.content?.["text"] as string).length;
        if (head.event === "execution_finished") break;
      }
      expect(numbers).toEqual(numbers.map((_, index) => index + 1));
      expect(bytes).toBe(40_000_000);
    } finally {
      await sandbox.close();
    }
  });
});

describe("readers that read nothing", () => {
  test("cost kerneld next to no memory, however much there is for each", async () => {
    const [sandbox, kernel] = await Sandbox.withKernel();
    const readers: IncomingMessage[] = [];
    const residentMib = async (): Promise<number> => {
      const status = await sandbox.exec("0", "cat", "/proc/1/status");
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
    };
    try {
      await sandbox.execute(kernel, LINES_40_MB, UNLIMITED);
      const before = await residentMib();
      for (let index = 0; index < 12; index += 1)
        readers.push(await sandbox.open("GET", "/journal?after=0"));
      // Whoever reads it all takes many turns, in which the others have had theirs.
      const all = await collect(sandbox.journal("after=0"));
      expect(all.at(-1)?.head).toMatchObject({ event: "execution_finished", status: "ok" });
      expect((await residentMib()) - before).toBeLessThan(30);
    } finally {
      for (const reader of readers) reader.destroy();
      await sandbox.close();
    }
  });
});
