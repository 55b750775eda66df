import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { RunScript } from "../sandboxes/friendly-runs.js";
import { allEvents } from "./event-stream.js";
import { KEY, startTestGateway, type TestGateway } from "./test-gateway.js";

/** More than the buffers between two sockets of this machine hold. */
const PIECES = 400;
const PIECE = "x".repeat(100_000);
/** Long enough for a client that is only slow on a machine that is busy. */
const STALL_MS = 1_500;

let gateway: TestGateway;
/** Resolves when a client has been let go. */
let letGo: Promise<void>;
afterEach(async () => gateway.close());

const flood: RunScript = async (_run, emit) => {
  for (let index = 0; index < PIECES; index += 1) {
    emit.stream("stdout", `${index} ${PIECE}`);
    if (index % 10 === 0) await delay(1);
  }
  return undefined;
};

async function start(onRun = flood): Promise<void> {
  let tell: () => void;
  letGo = new Promise((resolve) => (tell = resolve));
  gateway = await startTestGateway({
    onRun,
    stallMs: STALL_MS,
    onLog: (line) => {
      if (line.includes("took nothing was let go")) tell();
    },
  });
  expect((await gateway.call("POST", "/v1/sessions", { id: "s" })).status).toBe(201);
}

const authorization = `Bearer ${KEY}`;

/** Sends a request and reads nothing of the answer's body. */
async function unread(path: string, body: object, accept: string): Promise<IncomingMessage> {
  const headers = { authorization, "content-type": "application/json", accept };
  const asking = request(gateway.url + path, { method: "POST", headers, agent: false });
  asking.on("error", () => undefined);
  asking.end(JSON.stringify(body));
  const [response] = (await once(asking, "response")) as [IncomingMessage];
  response.on("error", () => undefined);
  return response;
}

async function textOf(response: IncomingMessage): Promise<{ text: string; whole: boolean }> {
  const chunks: Buffer[] = [];
  response.on("data", (chunk: Buffer) => chunks.push(chunk));
  // Its error is what `whole` says.
  await new Promise((resolve) => response.once("close", resolve));
  return { text: Buffer.concat(chunks).toString(), whole: response.complete };
}

describe("a client that takes nothing", () => {
  it("of an event stream is let go with a reason, can resume, and holds up nobody", async () => {
    await start();
    const path = "/v1/sessions/s/execute";
    const stuck = await unread(path, { code: "x", execution_id: "e" }, "text/event-stream");
    const other = await gateway.call("GET", "/v1/sessions/s/executions/e/events");
    const all = await allEvents(other);
    expect(all).toHaveLength(PIECES + 2);
    await letGo;
    const { text, whole } = await textOf(stuck);
    expect(whole).toBe(true);
    expect(text.endsWith("\n\n: slow_consumer\n\n")).toBe(true);
    const numbers = Array.from(text.matchAll(/^id: (\d+)$/gm), ([, n]) => Number(n));
    expect(numbers.length).toBeLessThan(PIECES);
    const resumed = await allEvents(
      await gateway.call("GET", "/v1/sessions/s/executions/e/events", undefined, {
        "last-event-id": String(numbers.at(-1)),
      }),
    );
    expect([...numbers, ...resumed.map(({ n }) => n)]).toEqual(all.map(({ n }) => n));
  });

  it("of a gathered answer is cut off", async () => {
    await start();
    const stuck = await unread("/v1/sessions/s/execute", { code: "x" }, "application/json");
    await once(stuck, "readable");
    await letGo;
    expect((await textOf(stuck)).whole).toBe(false);
  });

  it("of a WebSocket is closed with 1013, can resume, and holds up nobody", async () => {
    await start();
    const url = `${gateway.url.replace("http", "ws")}/v1/sessions/s/stream`;
    const stuck = new WebSocket(url, { headers: { authorization } });
    await once(stuck, "open");
    const had: number[] = [];
    stuck.on("message", (data: Buffer) =>
      had.push((JSON.parse(data.toString()) as { n: number }).n),
    );
    stuck.send(JSON.stringify({ op: "execute", ref: "r", code: "x", execution_id: "e" }));
    await once(stuck, "message");
    stuck.pause();
    const all = await allEvents(await gateway.call("GET", "/v1/sessions/s/executions/e/events"));
    await letGo;
    stuck.resume();
    const [code, reason] = (await once(stuck, "close")) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([1013, "slow_consumer"]);
    expect(had.length).toBeLessThan(PIECES);
    const back = new WebSocket(url, { headers: { authorization } });
    await once(back, "open");
    back.send(JSON.stringify({ op: "resume", ref: "b", execution_id: "e", after: had.at(-1) }));
    for await (const [data] of messagesOf(back)) {
      const event = JSON.parse(data.toString()) as { n: number; type: string };
      had.push(event.n);
      if (event.type === "execution_finished") break;
    }
    expect(had).toEqual(all.map(({ n }) => n));
    back.terminate();
  });

  it("is told from one that takes it slowly, also in the midst of a large event", async () => {
    const large = "y".repeat(20_000_000);
    await start((_run, emit) => {
      for (let index = 0; index < 20; index += 1) emit.stream("stdout", large.slice(0, 900_000));
      return undefined;
    });
    const slow = await unread("/v1/sessions/s/execute", { code: "x" }, "text/event-stream");
    let size = 0;
    for await (const chunk of slow as AsyncIterable<Buffer>) {
      const before = Math.floor(size / 2_000_000);
      size += chunk.length;
      if (Math.floor(size / 2_000_000) > before) await delay(STALL_MS / 3);
    }
    expect(slow.complete).toBe(true);
    expect(size).toBeGreaterThan(18_000_000);
  });
});

/** The messages of a socket as they come. */
async function* messagesOf(socket: WebSocket): AsyncGenerator<[Buffer], void, undefined> {
  const messages: Buffer[] = [];
  let wake: (() => void) | undefined;
  socket.on("message", (data: Buffer) => {
    messages.push(data);
    wake?.();
  });
  for (;;) {
    const next = messages.shift();
    if (next !== undefined) yield [next];
    else await new Promise<void>((resolve) => (wake = resolve));
  }
}
