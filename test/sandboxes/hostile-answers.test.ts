import { readdirSync } from "node:fs";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";

import { callFor } from "../../src/sandboxes/call.js";
import { createKerneldClient } from "../../src/sandboxes/kerneld-client.js";
import type { SandboxLink } from "../../src/sandboxes/link.js";
import {
  type HostileKerneld,
  type Misbehaviour,
  chunk,
  chunkedHead,
  flood,
  jsonAnswer,
  startHostileKerneld,
} from "./hostile-kerneld.js";
import { testLink } from "./test-link.js";

const MEBIBYTE = 1024 * 1024;

let link: SandboxLink;
let kerneld: HostileKerneld;

beforeEach(async () => {
  link = await testLink();
  kerneld = await startHostileKerneld(link.socketPath);
  return () => kerneld.close();
});

/** Calls the hostile sandbox, and fails unless a neighbour answers meanwhile and memory stays bounded. */
async function call(behaviour: Misbehaviour, withinMs = 1_000): Promise<unknown> {
  kerneld.answers.set("/x", behaviour);
  const neighbour = await testLink();
  const friend = await startHostileKerneld(neighbour.socketPath, {
    "/x": (socket) => void socket.write(jsonAnswer({ fine: true })),
  });
  onTestFinished(() => friend.close());
  const before = process.memoryUsage().rss;
  const hostile = callFor(link, z.unknown(), {
    method: "GET",
    path: "/x",
    idempotent: false,
    withinMs,
  });
  hostile.catch(() => undefined);
  const answered = await callFor(neighbour, z.object({ fine: z.literal(true) }), {
    method: "GET",
    path: "/x",
    idempotent: false,
    withinMs: 20_000,
  });
  expect(answered).toEqual({ fine: true });
  try {
    return await hostile;
  } finally {
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * MEBIBYTE);
  }
}

const violates = { code: "sandbox_protocol_violation" };
const unreachable = { code: "sandbox_unreachable" };
const unresponsive = { code: "sandbox_unresponsive" };

const breaches: [string, Misbehaviour, object][] = [
  [
    "sends 103 without end",
    (socket) => flood(socket, "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(1_000)),
    violates,
  ],
  [
    "sends five interim answers and then a good one",
    (socket) =>
      void socket.write("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(5) + jsonAnswer({ fine: true })),
    violates,
  ],
  [
    "encodes its answer",
    (socket) => void socket.write(chunkedHead("content-encoding: gzip\r\n")),
    violates,
  ],
  [
    "redirects",
    (socket) => {
      const answer = jsonAnswer({ code: "not_found", detail: "" }, 302);
      socket.write(answer.replace("\r\n", "\r\nlocation: http://169.254.169.254/\r\n"));
    },
    violates,
  ],
  [
    "switches protocols unasked",
    (socket) =>
      void socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
      ),
    violates,
  ],
  ["speaks no HTTP", (socket) => void socket.write("\0\x01\x02 garbage\r\n\r\n"), violates],
  [
    "gives two lengths",
    (socket) =>
      void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}"),
    violates,
  ],
  [
    "gives a length and chunks",
    (socket) => void socket.write(chunkedHead("content-length: 2\r\n")),
    violates,
  ],
  [
    "has headers of more than 16 KiB",
    (socket) => void socket.write(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(20_000)}\r\n\r\n`),
    violates,
  ],
  [
    "has headers without end",
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      flood(socket, "x: y\r\n");
    },
    violates,
  ],
  [
    "extends a chunk without end",
    (socket) => {
      socket.write(`${chunkedHead()}2;`);
      flood(socket, "x".repeat(65_536));
    },
    violates,
  ],
  [
    "sends trailers without end",
    (socket) => {
      socket.write(`${chunkedHead()}2\r\n{}\r\n0\r\n`);
      flood(socket, "x: y\r\n");
    },
    violates,
  ],
  ["says nothing", () => undefined, unresponsive],
  ["hangs up", (socket) => void socket.destroy(), unreachable],
  [
    "hangs up within its answer",
    (socket) => void socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}"),
    unreachable,
  ],
  [
    "announces more than it sends",
    (socket) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}"),
    unresponsive,
  ],
  [
    "sends 30 MB of {}",
    (socket) => void socket.write(jsonAnswer(`[${"{},".repeat(10_000_000)}{}]`)),
    violates,
  ],
  [
    "sends 1 MiB of {}",
    (socket) => void socket.write(jsonAnswer(`[${"{},".repeat(340_000)}{}]`)),
    violates,
  ],
  [
    "nests JSON 200,000 deep",
    (socket) => void socket.write(jsonAnswer("[".repeat(200_000) + "]".repeat(200_000))),
    violates,
  ],
  ["sends no JSON", (socket) => void socket.write(jsonAnswer("NaN")), violates],
  [
    "sends a body without end",
    (socket) => {
      socket.write(chunkedHead());
      flood(socket, chunk(" ".repeat(65_536)));
    },
    violates,
  ],
  [
    "sends a body without end, one byte a chunk",
    (socket) => {
      socket.write(chunkedHead());
      flood(socket, "1\r\nx\r\n".repeat(10_000));
    },
    violates,
  ],
  [
    "drips its headers",
    (socket) => {
      const timer = setInterval(() => socket.write("H"), 20);
      socket.on("close", () => clearInterval(timer));
      socket.write("HTTP/1.1 200 O");
    },
    unresponsive,
  ],
  [
    "drips its body",
    (socket) => {
      socket.write(chunkedHead());
      const timer = setInterval(() => socket.write("1\r\n \r\n"), 20);
      socket.on("close", () => clearInterval(timer));
    },
    unresponsive,
  ],
  [
    "refuses without a code",
    (socket) => void socket.write(jsonAnswer("<html>no</html>", 500)),
    violates,
  ],
];

describe("a call to a sandbox that", () => {
  it.each(breaches)(
    "%s ends in an error, and its connection is dropped",
    async (_, behaviour, error) => {
      await expect(call(behaviour, error === unresponsive ? 300 : 20_000)).rejects.toMatchObject(
        error,
      );
      const used = kerneld.requests.length;
      kerneld.answers.set("/x", (socket) => void socket.write(jsonAnswer({ fine: true })));
      expect(
        await callFor(link, z.unknown(), { method: "GET", path: "/x", idempotent: false }),
      ).toEqual({
        fine: true,
      });
      expect(kerneld.requests).toHaveLength(used + 1);
    },
  );

  it("answers twice gets its second answer thrown away with the connection", async () => {
    const twice = jsonAnswer({ answer: 1 }) + jsonAnswer({ answer: 2 });
    expect(await call((socket) => void socket.write(twice))).toEqual({ answer: 1 });
    await expect.poll(() => kerneld.sockets.size).toBe(2);
    kerneld.answers.set("/x", (socket) => void socket.write(jsonAnswer({ answer: 3 })));
    expect(
      await callFor(link, z.unknown(), { method: "GET", path: "/x", idempotent: false }),
    ).toEqual({
      answer: 3,
    });
  });

  it("sends bytes behind its answer loses the connection", async () => {
    expect(
      await call((socket) => {
        socket.write(jsonAnswer({ answer: 1 }));
        setTimeout(() => socket.write("HTTP/1.1 200 OK\r\n"), 20);
      }),
    ).toEqual({ answer: 1 });
    await expect.poll(() => kerneld.sockets.size).toBe(2);
  });

  it("names __proto__ and constructor gets plain keys", async () => {
    const body = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
    const value = (await call((socket) => void socket.write(jsonAnswer(body)))) as object;
    expect(Object.getPrototypeOf(value)).toBeNull();
    expect(Object.keys(value)).toEqual(["__proto__", "constructor"]);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    expect((value as { polluted?: number }).polluted).toBeUndefined();
  });

  it("holds lone surrogates gets them replaced", async () => {
    const body = '{"a":"x\\ud800y","\\udfff":"😀"}';
    expect(await call((socket) => void socket.write(jsonAnswer(body)))).toEqual({
      a: "x\ufffdy",
      "\ufffd": "😀",
    });
  });
});

describe("kerneld's own answers", () => {
  const kernel = {
    id: "11111111-2222-4333-8444-555555555555",
    language: "python",
    language_version: "3.13.5",
    name: null,
    execution_state: "idle",
    generation: 0,
    execution_count: 0,
    last_death: null,
  };
  const run = {
    id: "mine",
    kernel: kernel.id,
    timeout_s: 30,
    grace_s: 5,
    generation: 0,
    state: "running",
    position: null,
    first_n: 1,
    last_n: 2,
    created_at: 1,
    started_at: 2,
    finished_at: null,
    status: null,
    execution_count: 1,
    waiting_for_input: false,
  };
  const getRun = (answer: object | string) => {
    kerneld.answers.set("/runs", (socket) => void socket.write(jsonAnswer(answer)));
    return createKerneldClient(link).runs.get("mine");
  };

  it("are taken when they are valid, and unknown fields are left out", async () => {
    expect(await getRun({ ...run, surprise: 1 })).toEqual(run);
  });

  it.each<[string, object | string]>([
    ["is about another run", { ...run, id: "another" }],
    ["has a run id with a path in it", { ...run, id: "../mine" }],
    ["has a number of 2^53", { ...run, last_n: 2 ** 53 }],
    ["has a negative number", { ...run, last_n: -1 }],
    ["has a fraction", { ...run, execution_count: 1.5 }],
    ["has a number too large for any", JSON.stringify(run).replace('"last_n":2', '"last_n":1e999')],
    ["has a deadline of no time", { ...run, timeout_s: 0 }],
    ["has a deadline beyond all patience", { ...run, timeout_s: 1e12 }],
    ["has a negative grace", { ...run, grace_s: -1 }],
    ["has text for a number", { ...run, generation: "0" }],
    ["has an unknown state", { ...run, state: "running\nfinished" }],
    ["has a time beyond all dates", { ...run, created_at: 9e15 }],
    ["lacks a field", { id: "mine" }],
    ["is a list", [run]],
    ["is null", "null"],
  ])("are refused when one %s", async (_, answer) => {
    const violations: unknown[] = [];
    link.events.on("violation", (error) => violations.push(error));
    await expect(getRun(answer)).rejects.toMatchObject(violates);
    expect(violations).toHaveLength(1);
  });

  it("that refuse become errors with code, status and a bounded, well-formed detail", async () => {
    const detail = `\ud800${"x".repeat(5_000)}`;
    kerneld.answers.set(
      "/runs",
      (socket) => void socket.write(jsonAnswer({ code: "execution_not_found", detail }, 404)),
    );
    const error = await createKerneldClient(link)
      .runs.get("mine")
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "KerneldError", code: "execution_not_found", status: 404 });
    expect((error as { detail: string }).detail).toBe(`\ufffd${"x".repeat(1_999)}`);
  });

  it("with an unknown code are internal errors", async () => {
    kerneld.answers.set(
      "/runs",
      (socket) => void socket.write(jsonAnswer({ code: "__proto__", detail: "x" }, 418)),
    );
    await expect(createKerneldClient(link).runs.get("mine")).rejects.toMatchObject({
      code: "internal_error",
      status: 500,
    });
  });
});

describe("bytes from a sandbox", () => {
  const metadata = "x-file-size: 4\r\nx-file-mtime-ns: 1\r\nx-file-inode: 2\r\n";
  const read = async (answer: string | Misbehaviour, range = {}) => {
    kerneld.answers.set("/files", (socket, request) => {
      if (typeof answer === "string") socket.write(answer);
      else answer(socket, request);
    });
    const file = await createKerneldClient(link).files.read("a", range);
    const chunks: Buffer[] = [];
    for await (const bytes of file) chunks.push(bytes);
    return { ...file, text: Buffer.concat(chunks).toString() };
  };

  it("come with their metadata", async () => {
    expect(await read(`HTTP/1.1 200 OK\r\ncontent-length: 4\r\n${metadata}\r\nabcd`)).toMatchObject(
      {
        text: "abcd",
        length: 4,
        size: 4,
        mtime_ns: "1",
        inode: "2",
      },
    );
  });

  it.each<[string, string, object]>([
    ["without a length", `${chunkedHead(metadata)}4\r\nabcd\r\n0\r\n\r\n`, violates],
    ["without metadata", "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabcd", violates],
    [
      "with a size that is no number",
      `HTTP/1.1 200 OK\r\ncontent-length: 4\r\n${metadata.replace("4", "-4")}\r\nabcd`,
      violates,
    ],
    [
      "of a size beyond all files",
      `HTTP/1.1 200 OK\r\ncontent-length: 4\r\n${metadata.replace("4", "99999999999999999999")}\r\nabcd`,
      violates,
    ],
  ])("are refused %s", async (_, answer, error) => {
    await expect(read(answer)).rejects.toMatchObject(error);
  });

  it("are refused when they are more than was asked for", async () => {
    await expect(
      read(`HTTP/1.1 200 OK\r\ncontent-length: 4\r\n${metadata}\r\nabcd`, { length: 3 }),
    ).rejects.toMatchObject(violates);
  });

  it("that break off fail their reader", async () => {
    await expect(
      read(
        (socket) => void socket.end(`HTTP/1.1 200 OK\r\ncontent-length: 9\r\n${metadata}\r\nabcd`),
      ),
    ).rejects.toMatchObject(unreachable);
  });

  it("that nobody reads wait in the sandbox, not in the gateway", async () => {
    const size = 512 * MEBIBYTE;
    let poured = 0;
    kerneld.answers.set("/artifacts", (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`);
      const bytes = Buffer.alloc(65_536);
      const pour = () => {
        while (!socket.destroyed && poured < size) {
          poured += bytes.length;
          if (!socket.write(bytes)) {
            socket.once("drain", pour);
            return;
          }
        }
      };
      pour();
    });
    const stream = await createKerneldClient(link).artifacts.read("a1");
    // Everything between the double and the reader fills up; a few turns are more than that takes.
    for (let turn = 0; turn < 1_000; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(poured).toBeLessThan(4 * MEBIBYTE);
    stream.close();
  });
});

describe("calls", () => {
  const get = (idempotent: boolean) =>
    callFor(link, z.unknown(), { method: "GET", path: "/x", idempotent });

  it("are sent again when idempotent and broken before an answer, three times at most", async () => {
    let left = 2;
    kerneld.answers.set("/x", (socket) => {
      if (left === 0) socket.write(jsonAnswer({ fine: true }));
      else socket.destroy();
      left -= 1;
    });
    expect(await get(true)).toEqual({ fine: true });
    left = 3;
    await expect(get(true)).rejects.toMatchObject(unreachable);
  });

  it("are not sent again when not idempotent, or broken within the answer", async () => {
    kerneld.answers.set("/x", (socket) => void socket.destroy());
    await expect(get(false)).rejects.toMatchObject(unreachable);
    expect(kerneld.requests).toHaveLength(1);
    kerneld.answers.set("/x", (socket) => void socket.end("HTTP/1.1 200 OK\r\n"));
    await expect(get(true)).rejects.toMatchObject({ name: "LinkError" });
    expect(kerneld.requests).toHaveLength(2);
  });

  it("end with the reason of their signal, and drop their connection", async () => {
    kerneld.answers.set("/x", () => undefined);
    const abort = new AbortController();
    const pending = callFor(link, z.unknown(), {
      method: "GET",
      path: "/x",
      idempotent: true,
      signal: abort.signal,
    });
    await expect.poll(() => kerneld.requests).toHaveLength(1);
    const [socket] = [...kerneld.sockets].slice(1);
    abort.abort(new Error("enough"));
    await expect(pending).rejects.toThrow("enough");
    await expect.poll(() => socket?.destroyed).toBe(true);
  });

  it("on the control connection pass while streams hold every other one", async () => {
    kerneld.answers.set(
      "/artifacts",
      (socket) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"),
    );
    kerneld.answers.set("/runs", (socket) => void socket.write("HTTP/1.1 204 No Content\r\n\r\n"));
    const client = createKerneldClient(link);
    const streams = await Promise.all(
      Array.from({ length: 15 }, () => client.artifacts.read("a1")),
    );
    await client.runs.interrupt("mine");
    await expect(client.runs.get("mine", { withinMs: 100 })).rejects.toMatchObject(unresponsive);
    for (const stream of streams) stream.close();
  });

  it("fail at once when the link is closed, and leave no descriptor behind", async () => {
    const before = readdirSync("/proc/self/fd").length;
    const other = await testLink();
    const hostile = await startHostileKerneld(other.socketPath, { "/x": () => undefined });
    const pending = expect(
      callFor(other, z.unknown(), { method: "GET", path: "/x", idempotent: true }),
    ).rejects.toMatchObject(unreachable);
    await expect.poll(() => hostile.requests).toHaveLength(1);
    await other.close();
    await pending;
    await expect(
      callFor(other, z.unknown(), { method: "GET", path: "/x", idempotent: true }),
    ).rejects.toMatchObject(unreachable);
    await expect.poll(() => readdirSync("/proc/self/fd").length).toBeLessThanOrEqual(before);
  });

  it("to a sandbox that never dialled are unreachable", async () => {
    const lonely = await testLink();
    await expect(
      callFor(lonely, z.unknown(), { method: "GET", path: "/x", idempotent: true, withinMs: 50 }),
    ).rejects.toMatchObject({ name: "LinkError" });
  });
});
