import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { beforeEach, describe, expect, it } from "vitest";

import { type KerneldClient, createKerneldClient } from "../../src/sandboxes/kerneld-client.js";
import type { JournalRecord } from "../../src/sandboxes/journal-record.js";
import type { SandboxLink } from "../../src/sandboxes/link.js";
import type { RunRequest } from "../../src/sandboxes/runs.js";
import { type FriendlyKerneld, startFriendlyKerneld } from "./friendly-kerneld.js";
import type { RunScript } from "./friendly-runs.js";
import { KERNEL } from "./records.js";
import { testLink } from "./test-link.js";

const MEBIBYTE = 1024 * 1024;

let link: SandboxLink;
let kerneld: FriendlyKerneld;
let client: KerneldClient;
let script: RunScript;

const assignment = {
  session_id: "s",
  env: { A: "ü" },
  cwd: null,
  kernels: [{ id: KERNEL, language: "python" }],
};

const request = (code: string): RunRequest => ({
  kernel: KERNEL,
  code,
  timeout_s: 5,
  grace_s: 1,
  env: null,
  cwd: null,
  stdin: "deny",
  max_output_bytes: 1_000,
  expect_generation: null,
  silent: false,
  store_history: true,
  stop_on_error: true,
  queue: true,
});

beforeEach(async () => {
  link = await testLink();
  script = () => undefined;
  kerneld = await startFriendlyKerneld({
    socketPath: link.socketPath,
    onRun: (run, emit) => script(run, emit),
  });
  client = createKerneldClient(link);
  return () => kerneld.close();
});

async function journalOf(run: string): Promise<JournalRecord[]> {
  const records = [];
  for await (const record of client.journal({ after: 0, follow: false, run })) records.push(record);
  return records;
}

const ended = (run: string) => expect.poll(() => kerneld.runs.get(run)?.state).toBe("finished");

describe("an assignment", () => {
  it("makes the sandbox a session's, once", async () => {
    const state = await client.assign(assignment);
    expect(state).toMatchObject({
      assigned: true,
      languages: ["python"],
      kernels: [{ id: KERNEL }],
    });
    expect(await client.assign(assignment)).toEqual(state);
    expect(await client.state()).toEqual(state);
    await expect(client.assign({ ...assignment, session_id: "t" })).rejects.toMatchObject({
      code: "already_assigned",
      status: 409,
    });
    expect(kerneld.assignment()).toEqual(assignment);
  });

  it("goes through although its connection breaks before the answer", async () => {
    let broken = false;
    kerneld.intercept = (incoming) => {
      if (broken || incoming.url !== "/assign") return false;
      broken = true;
      incoming.socket.destroy();
      return true;
    };
    expect(await client.assign(assignment)).toMatchObject({ assigned: true });
  });
});

describe("runs", () => {
  beforeEach(() => client.assign(assignment));

  it("are accepted, joined, read and listed", async () => {
    script = (run, emit) => {
      emit.stream("stdout", run.code);
      return undefined;
    };
    const run = await client.runs.put("a", request("print(1)"));
    expect(run).toMatchObject({ id: "a", kernel: KERNEL });
    await ended("a");
    expect(await client.runs.put("a", request("print(1)"))).toMatchObject({ state: "finished" });
    await expect(client.runs.put("a", request("other"))).rejects.toMatchObject({
      code: "execution_conflict",
    });
    expect(await client.runs.get("a")).toMatchObject({ status: "ok", execution_count: 1 });
    expect((await client.runs.list()).map(({ id }) => id)).toEqual(["a"]);
    expect(await journalOf("a")).toMatchObject([
      { event: "execution_started" },
      { msg_type: "stream", content: { name: "stdout", text: "print(1)" } },
      { event: "execution_finished", status: "ok" },
    ]);
  });

  it("carry code of many megabytes, and characters of every kind", async () => {
    let received = "";
    script = (run) => {
      received = run.code;
      return undefined;
    };
    const code = `\0\u2028ü😀${"x".repeat(8 * MEBIBYTE)}`;
    await client.runs.put("a", request(code));
    await ended("a");
    expect(received === code).toBe(true);
    await expect(client.runs.put("b", request("x".repeat(10 * MEBIBYTE)))).rejects.toThrow("9 MiB");
  });

  it("take input, interrupts and cancellations", async () => {
    script = async (_run, emit) => {
      emit.stream("stdout", await emit.input("name? "));
      return undefined;
    };
    await client.runs.put("a", request("input()"));
    await expect.poll(() => kerneld.runs.get("a")?.waiting_for_input).toBe(true);
    await client.runs.put("b", request("input()"));
    expect(await client.runs.cancel("b")).toMatchObject({ status: "cancelled" });
    await client.runs.input("a", { value: "Ada" });
    await ended("a");
    expect(await journalOf("a")).toMatchObject([
      {},
      { channel: "stdin", msg_type: "input_request" },
      { content: { text: "Ada" } },
      {},
    ]);
    await expect(client.runs.input("a", { value: "x" })).rejects.toMatchObject({
      code: "execution_finished",
    });
    await client.runs.put("c", request("input()"));
    await expect.poll(() => kerneld.runs.get("c")?.waiting_for_input).toBe(true);
    await client.runs.interrupt("c");
    await ended("c");
    expect(await client.runs.get("c")).toMatchObject({ status: "interrupted" });
  });

  it("are not asked for by what is no run id", async () => {
    for (const id of ["..", "a/b", "", "a?b", "x".repeat(129)]) {
      await expect(client.runs.get(id)).rejects.toThrow();
    }
    expect(kerneld.requests.some((asked) => asked.includes("/runs"))).toBe(false);
  });
});

describe("kernels", () => {
  beforeEach(() => client.assign(assignment));

  it("are added, listed, restarted, interrupted and removed", async () => {
    const id = "22222222-2222-4333-8444-555555555555";
    expect(await client.kernels.add({ id, language: "python", name: "second" })).toMatchObject({
      id,
      name: "second",
    });
    expect((await client.kernels.list()).map((kernel) => kernel.id)).toEqual([KERNEL, id]);
    expect(await client.kernels.get(id)).toMatchObject({ id, execution_state: "idle" });
    expect(await client.kernels.restart(id)).toMatchObject({ generation: 1 });
    await client.kernels.interrupt(id);
    await client.kernels.remove(id);
    await expect(client.kernels.remove(id)).rejects.toMatchObject({ code: "kernel_not_found" });
    await expect(client.kernels.add({ id, language: "cobol" })).rejects.toMatchObject({
      code: "language_unavailable",
    });
  });

  it("answer shell requests", async () => {
    kerneld.onShellRequest = ({ content }) => ({
      msg_type: "complete_reply",
      content: { content },
    });
    expect(
      await client.kernels.request(KERNEL, {
        msg_type: "complete_request",
        content: { code: "pri", cursor_pos: 3 },
        timeout_s: 5,
      }),
    ).toEqual({ msg_type: "complete_reply", content: { content: { code: "pri", cursor_pos: 3 } } });
  });
});

describe("files", () => {
  const bytesOf = async (stream: AsyncIterable<Buffer>) => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    return Buffer.concat(chunks);
  };

  it("are written, read whole or in part, listed, and removed", async () => {
    const bytes = randomBytes(3 * MEBIBYTE);
    const path = "dir/ü & ?#%2e%2e.bin";
    expect(await client.files.write(path, Readable.from([bytes]))).toEqual({ created: true });
    expect(await client.files.write(path, Readable.from([bytes]))).toEqual({ created: false });
    const whole = await client.files.read(path);
    expect(whole).toMatchObject({ size: bytes.length, length: bytes.length, inode: "42" });
    expect((await bytesOf(whole)).equals(bytes)).toBe(true);
    const part = await client.files.read(path, { offset: 10, length: 5 });
    expect(await bytesOf(part)).toEqual(bytes.subarray(10, 15));
    expect(await client.files.stat(path)).toMatchObject({ kind: "file", size: bytes.length });
    expect(await client.files.list("dir", 1)).toMatchObject({
      entries: [{ path }],
      truncated: false,
    });
    await client.files.remove("dir");
    await expect(client.files.read(path)).rejects.toMatchObject({ code: "file_not_found" });
  });

  it("may be empty", async () => {
    await client.files.write("empty", Readable.from([]));
    expect(await bytesOf(await client.files.read("empty"))).toHaveLength(0);
  });

  it("are written at the sandbox's pace", async () => {
    let take: () => void = () => undefined;
    kerneld.intercept = (incoming, response) => {
      if (incoming.method !== "PUT") return false;
      take = () => {
        incoming.resume();
        incoming.on("end", () => response.writeHead(201).end());
      };
      return true;
    };
    let produced = 0;
    const source = async function* () {
      const chunk = Buffer.alloc(65_536);
      while (produced < 64 * MEBIBYTE) {
        produced += chunk.length;
        yield chunk;
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const writing = client.files.write("big", source());
    for (let turn = 0; turn < 2_000; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(produced).toBeLessThan(4 * MEBIBYTE);
    take();
    expect(await writing).toEqual({ created: true });
    expect(produced).toBe(64 * MEBIBYTE);
  });

  it("that are refused half-way stop their source, and say why", async () => {
    const used: Socket[] = [];
    kerneld.intercept = (incoming, response) => {
      if (incoming.method !== "PUT") return false;
      used.push(incoming.socket);
      response.writeHead(507, { "content-type": "application/json" });
      response.end('{"code":"disk_full","detail":"64 MiB"}');
      return true;
    };
    let closed = false;
    const source = async function* () {
      try {
        for (;;) {
          yield Buffer.alloc(65_536);
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        closed = true;
      }
    };
    await expect(client.files.write("big", source())).rejects.toMatchObject({
      code: "disk_full",
      detail: "64 MiB",
    });
    await expect.poll(() => closed).toBe(true);
    // What was left of the body must not be read as the next request.
    await expect.poll(() => used.map((socket) => socket.destroyed)).toEqual([true]);
  });

  it("whose source fails are not written, and fail with its error", async () => {
    const source = async function* () {
      yield await Promise.resolve(Buffer.from("half"));
      throw new Error("the client went away");
    };
    await expect(client.files.write("half", source())).rejects.toThrow("the client went away");
    expect(kerneld.files.has("half")).toBe(false);
  });

  it("close their source when there is nobody to write to", async () => {
    await link.close();
    const source = Readable.from([Buffer.from("x")]);
    await expect(client.files.write("a", source)).rejects.toMatchObject({ name: "LinkError" });
    expect(source.destroyed).toBe(true);
  });

  it("being read can be left, and the next call works", async () => {
    kerneld.files.set("big", Buffer.alloc(8 * MEBIBYTE));
    for (let round = 0; round < 20; round += 1) {
      for await (const chunk of await client.files.read("big")) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
    }
    expect(await client.files.stat("big")).toMatchObject({ size: 8 * MEBIBYTE });
  });
});

describe("artifacts", () => {
  it("are read as they are", async () => {
    const bytes = randomBytes(5 * MEBIBYTE);
    kerneld.artifacts.set("a1", bytes);
    const stream = await client.artifacts.read("a1");
    expect(stream.length).toBe(bytes.length);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
    await expect(client.artifacts.read("a2")).rejects.toMatchObject({ code: "artifact_not_found" });
  });
});

describe("many calls at once", () => {
  it("share a few connections, and each gets its own answer", async () => {
    for (let n = 0; n < 200; n += 1) kerneld.files.set(`f${n}`, Buffer.from(`content ${n}`));
    const texts = await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        const chunks: Buffer[] = [];
        for await (const chunk of await client.files.read(`f${n}`)) chunks.push(chunk);
        return Buffer.concat(chunks).toString();
      }),
    );
    expect(texts).toEqual(Array.from({ length: 200 }, (_, n) => `content ${n}`));
  });
});
