import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import {
  type ExecutionEvent,
  Hotcell,
  type HotcellError,
  type Session,
} from "../../src/client/index.js";
import { allEvents } from "../http/event-stream.js";
import { type CuttingProxy, startCuttingProxy } from "./cutting-proxy.js";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";
import { killSandbox } from "./sandboxes.js";
import { SocketClient } from "./socket-client.js";

let gateway: GatewayProcess;
let proxy: CuttingProxy;
let session: Session;
let patient: Hotcell;

beforeAll(async () => {
  gateway = await startGatewayProcess();
  patient = new Hotcell({ url: gateway.url, key: gateway.key });
});
afterAll(async () => gateway.close());
beforeEach(async () => {
  proxy = await startCuttingProxy(gateway.url);
  session = await patient.session();
});
afterEach(async () => proxy.close());

const RUNS = "import time; print('on', flush=True); time.sleep(600)";

/** Breaks every connection over the proxy and kills the sandbox, in one go. */
async function strike(): Promise<void> {
  const { sandbox_id } = session.view;
  const cutting = proxy.cut();
  await Promise.all([cutting, killSandbox(gateway.home, sandbox_id)]);
}

const eventsOf = (id: string, after: number): Promise<Response> =>
  gateway.call("GET", `/v1/sessions/${session.id}/executions/${id}/events?after=${after}`);

/** Its events behind a number, when the gateway knows what has become of the sandbox. */
async function storyOf(id: string, after: number): Promise<ExecutionEvent[]> {
  let response = await eventsOf(id, after);
  // For a moment the sandbox is only out of reach.
  await expect.poll(async () => (response = await eventsOf(id, after)).status).toBe(200);
  return allEvents(response);
}

const LOST = { type: "execution_finished", status: "kernel_died", state: "lost" };

function expectOneEnd(events: readonly { type: string; n?: number | undefined }[]): void {
  expect(events.filter(({ type }) => type === "execution_finished")).toHaveLength(1);
  expect(events.at(-1)).toMatchObject(LOST);
  const numbers = events.map(({ n }) => n ?? NaN);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
}

describe("a client that lost its connection when its sandbox was killed", () => {
  it("gets one end over server-sent events, whenever it comes back", async () => {
    const far = await new Hotcell({ url: proxy.url, key: gateway.key, retry: { for_s: 0 } }).attach(
      session.id,
    );
    const seen: ExecutionEvent[] = [];
    const reading = (async () => {
      for await (const event of far.stream(RUNS, { execution_id: "sse" })) {
        seen.push(event);
        if (event.type === "stream") await strike();
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: "gateway_unreachable" });
    const last = seen.at(-1)?.n ?? 0;
    const rest = await storyOf("sse", last);
    expectOneEnd([...seen, ...rest]);
    // And again, when the session has certainly ended.
    await expect
      .poll(() => session.refresh().catch((error: unknown) => (error as HotcellError).code))
      .toBe("session_ended");
    expect((await storyOf("sse", last)).at(-1)).toEqual(rest.at(-1));
    expect((await eventsOf("sse", rest.at(-1)?.n ?? 0)).status).toBe(204);
  });

  it("gets one end from the SDK, which comes back by itself", async () => {
    const execution = session.stream(RUNS, { execution_id: "sdk" });
    const seen: ExecutionEvent[] = [];
    for await (const event of execution) {
      seen.push(event);
      if (event.type === "stream") await strike();
    }
    expectOneEnd(seen);
    expect(await execution.result()).toMatchObject({ status: "kernel_died", state: "lost" });
    const later = session.execution("sdk");
    const again: ExecutionEvent[] = [];
    for await (const event of later) again.push(event);
    expect(again.at(-1)).toEqual(seen.at(-1));
  });

  it("gets one end over the WebSocket that is open, also asked again, and is told where it is afterwards", async () => {
    const socket = await SocketClient.open(gateway, session.id);
    socket.send({ op: "execute", ref: "a", execution_id: "ws", code: RUNS });
    const { n } = await socket.until(({ type }) => type === "stream");
    await strike();
    await socket.finished("a");
    expectOneEnd(socket.of("a"));
    socket.send({ op: "resume", ref: "b", execution_id: "ws", after: n });
    expect(await socket.finished("b")).toMatchObject(LOST);
    socket.close();
    const late = new WebSocket(
      `${gateway.url.replace("http", "ws")}/v1/sessions/${session.id}/stream`,
      { headers: { authorization: `Bearer ${gateway.key}` } },
    );
    const [, refusal] = (await once(late, "unexpected-response")) as [unknown, IncomingMessage];
    expect(refusal.statusCode).toBe(410);
    refusal.destroy();
    expectOneEnd(await storyOf("ws", n ?? 0));
  });
});
