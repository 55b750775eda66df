import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type SessionEvent, sessionEventSchema } from "../../src/kernels/session-event.js";
import { readEvents } from "./event-stream.js";
import { startTestGateway, type TestGateway } from "./test-gateway.js";

let gateway: TestGateway;
let kernel: string;
beforeEach(async () => {
  gateway = await startTestGateway();
  expect((await gateway.call("POST", "/v1/sessions", { id: "s" })).status).toBe(201);
  kernel = [...gateway.double("s").kernels.keys()][0] ?? "";
});
afterEach(async () => gateway.close());

const EVENTS = "/v1/sessions/s/events";
const ofKernel = (id = kernel) => `/v1/sessions/s/kernels/${id}/events`;

async function follow(
  path: string,
  headers: Record<string, string> = {},
): Promise<AsyncGenerator<SessionEvent, void, undefined>> {
  const response = await gateway.call("GET", path, undefined, headers);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  return readEvents<SessionEvent>(response);
}

const run = async (code: string, more: object = {}): Promise<void> => {
  const response = await gateway.call("POST", "/v1/sessions/s/execute", { code, ...more });
  expect(response.status).toBe(200);
  await response.text();
};

async function take(
  events: AsyncGenerator<SessionEvent, void, undefined>,
  count: number,
): Promise<SessionEvent[]> {
  const taken: SessionEvent[] = [];
  while (taken.length < count) {
    const { done, value } = await events.next();
    if (done === true) throw new Error("the stream has ended");
    taken.push(value);
  }
  return taken;
}

async function rest(events: AsyncGenerator<SessionEvent>): Promise<SessionEvent[]> {
  const taken: SessionEvent[] = [];
  for await (const event of events) taken.push(event);
  return taken;
}

const message = (fields: object): number =>
  gateway.double("s").journal.append({
    kind: "message",
    run: null,
    kernel,
    generation: 1,
    channel: "iopub",
    msg_type: "stream",
    msg_id: "m",
    parent_id: null,
    content: { name: "stdout", text: "hello" },
    metadata: {},
    ...fields,
  });

describe("a session's events", () => {
  it("tell from now on what all executions say, each with its execution and kernel", async () => {
    await run("before");
    const events = await follow(EVENTS);
    const [following] = await take(events, 1);
    expect(following).toMatchObject({ type: "following", session_id: "s", kernel_id: null });
    await run("a", { execution_id: "e1" });
    await run("b", { execution_id: "e2" });
    const seen = await take(events, 6);
    expect(seen.map(({ type }) => type)).toEqual([
      ...["execution_started", "stream", "execution_finished"],
      ...["execution_started", "stream", "execution_finished"],
    ]);
    expect(seen).toMatchObject([
      ...Array<object>(3).fill({ execution_id: "e1", kernel_id: kernel }),
      ...Array<object>(3).fill({ execution_id: "e2", kernel_id: kernel }),
    ]);
    const numbers = [following, ...seen].map((event) => event?.n ?? 0);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  });

  it("begin with all that is kept behind 0, and are what their schema says", async () => {
    await run("a");
    message({ run: null });
    const seen = await take(await follow(`${EVENTS}?after=0`), 7);
    expect(seen.map(({ type }) => type)).toEqual([
      ...["following", "kernel_starting", "kernel_ready"],
      ...["execution_started", "stream", "execution_finished", "stream"],
    ]);
    for (const event of seen) expect(sessionEventSchema.parse(event)).toEqual(event);
  });

  it("mark what is said outside of an execution, and after its end", async () => {
    await run("a", { execution_id: "e" });
    const events = await follow(EVENTS);
    message({ run: null });
    message({ run: "e", late: true });
    message({
      run: null,
      msg_type: "display_data",
      content: {
        data: {},
        metadata: {
          hotcell: {
            artifacts: [
              { id: "a1", mime: "image/png", bytes: 9, kind: "text" },
              { id: null, mime: "image/gif", bytes: 10, kind: "text" },
            ],
          },
        },
      },
    });
    const [, unknown, late, display] = await take(events, 4);
    expect(unknown).toMatchObject({ type: "stream", execution_id: null, kernel_id: kernel });
    expect(unknown).not.toHaveProperty("late");
    expect(late).toMatchObject({ type: "stream", execution_id: "e", late: true });
    expect(display).toMatchObject({
      metadata: {
        hotcell: {
          artifacts: [
            { href: "/v1/sessions/s/artifacts/a1" },
            { mime: "image/gif", bytes: 10, dropped: true },
          ],
        },
      },
    });
    gateway.double("s").artifacts.set("a1", Buffer.from("bytes"));
    expect(await (await gateway.call("GET", "/v1/sessions/s/artifacts/a1")).text()).toBe("bytes");
    const own = await gateway.call("GET", "/v1/sessions/s/executions/e/events");
    const texts = (await rest(readEvents<SessionEvent>(own))).filter(
      ({ type }) => type === "stream",
    );
    expect(texts).toHaveLength(1);
  });

  it("go on behind a number, which browsers send in a header", async () => {
    await run("a");
    const all = await take(await follow(`${EVENTS}?after=0`), 6);
    const third = all[3]?.n ?? 0;
    const resumed = await take(await follow(`${EVENTS}?after=${third}`), 3);
    expect(resumed.slice(1)).toEqual(all.slice(4));
    const again = await follow(`${EVENTS}?after=0`, { "last-event-id": String(third) });
    expect((await take(again, 3)).slice(1)).toEqual(all.slice(4));
    const garbage = await follow(`${EVENTS}?after=0`, { "last-event-id": "garbage" });
    expect((await take(garbage, 6)).slice(1)).toEqual(all.slice(1));
  });

  it("say what is not kept any more", async () => {
    await run("a");
    const { journal } = gateway.double("s");
    journal.forget(journal.lastNumber - 1);
    const [, gap, last] = await take(await follow(`${EVENTS}?after=1`), 3);
    expect(gap).toMatchObject({
      type: "gap",
      from: 2,
      to: journal.lastNumber - 1,
      reason: "journal_full",
      kernel_id: null,
    });
    expect(last).toMatchObject({ type: "execution_finished", n: journal.lastNumber });
  });

  it("refuse a number that the session has not come to", async () => {
    for (const path of [EVENTS, ofKernel()]) {
      const refused = await gateway.call("GET", `${path}?after=9999`);
      expect(refused.status).toBe(400);
      expect(await refused.json()).toMatchObject({
        code: "invalid_request",
        errors: [{ path: "after" }],
      });
    }
    const bad = await gateway.call("GET", `${EVENTS}?after=-1`);
    expect(bad.status).toBe(400);
  });

  it("end with the session, and its reason", async () => {
    const both = [await follow(EVENTS), await follow(ofKernel())];
    await run("a");
    expect((await gateway.call("DELETE", "/v1/sessions/s")).status).toBe(204);
    for (const events of both) {
      const seen = await rest(events);
      expect(seen.at(-1)).toMatchObject({
        type: "session_ended",
        session_id: "s",
        reason: "session_deleted",
      });
      expect(seen.at(-1)?.n).toBeGreaterThan(seen.at(-2)?.n ?? 0);
    }
    const late = await gateway.call("GET", EVENTS);
    expect(late.status).toBe(410);
    expect(await late.json()).toMatchObject({ code: "session_ended" });
  });

  it("are of this tenant's sessions only", async () => {
    const other = { authorization: "Bearer key-of-another-tenant" };
    expect((await gateway.call("GET", EVENTS, undefined, other)).status).toBe(404);
    expect((await gateway.call("GET", "/v1/sessions/none/events")).status).toBe(404);
  });
});

describe("a kernel's events", () => {
  const record = (event: string, fields: object = {}) =>
    gateway.double("s").journal.append({ kind: "kernel", kernel, generation: 1, event, ...fields });

  it("are its own, also those of its life", async () => {
    const other = "00000000-0000-4000-8000-000000000001";
    const events = await follow(ofKernel());
    message({ kernel: other });
    record("dead", { reason: "oom", signal: 9, exit_code: null });
    record("starting", { generation: 2, language: "python" });
    record("ready", { generation: 2, language: "python", language_version: "3.13.5" });
    const [following, died, starting, ready] = await take(events, 4);
    expect(following).toMatchObject({ type: "following", kernel_id: kernel });
    expect(died).toMatchObject({
      type: "kernel_died",
      kernel_id: kernel,
      reason: "oom",
      signal: 9,
    });
    expect(died).not.toHaveProperty("exit_code");
    expect(starting).toMatchObject({ type: "kernel_starting", generation: 2 });
    expect(ready).toMatchObject({ type: "kernel_ready", language_version: "3.13.5" });
    for (const event of [died, starting, ready]) {
      expect(sessionEventSchema.parse(event)).toEqual(event);
    }
  });

  it("end when it is removed, also for those who come back later", async () => {
    const events = await follow(ofKernel());
    const [following] = await take(events, 1);
    message({});
    const n = record("removed", { reason: "kernel_removed" });
    gateway.double("s").kernels.delete(kernel);
    expect((await rest(events)).map(({ type }) => type)).toEqual(["stream", "kernel_removed"]);
    const back = await follow(`${ofKernel()}?after=${following?.n ?? 0}`);
    expect((await rest(back)).map(({ type }) => type)).toEqual([
      ...["following", "stream", "kernel_removed"],
    ]);
    for (const path of [`${ofKernel()}?after=${n}`, ofKernel()]) {
      expect(await (await gateway.call("GET", path)).json()).toMatchObject({
        code: "kernel_not_found",
      });
    }
    const session = await take(await follow(`${EVENTS}?after=${n - 1}`), 2);
    expect(session.at(-1)).toMatchObject({ type: "kernel_removed" });
  });

  it("are refused for a kernel that the session never had", async () => {
    const none = ofKernel("00000000-0000-4000-8000-000000000000");
    for (const path of [none, `${none}?after=0`]) {
      expect((await gateway.call("GET", path)).status).toBe(404);
    }
    expect((await gateway.call("GET", ofKernel("none"))).status).toBe(400);
  });
});
