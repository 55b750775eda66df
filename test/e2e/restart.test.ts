import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { type ExecutionEvent, Hotcell } from "../../src/client/index.js";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";
import { killSandbox, leftOf } from "./sandboxes.js";

let home: string;
let gateway: GatewayProcess;

const start = async (port?: number): Promise<GatewayProcess> => {
  gateway = await startGatewayProcess({
    home,
    keepSessions: true,
    ...(port === undefined ? {} : { port }),
  });
  return gateway;
};

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "hc-"));
  await start();
});
afterEach(async () => {
  await gateway.stop("SIGKILL");
  const last = await startGatewayProcess({ home });
  await last.close();
  await rm(home, { recursive: true, force: true });
});

/** Kills the gateway with all that it has started, and starts it at the same address. */
async function killAndStart(meanwhile?: () => Promise<void>): Promise<void> {
  process.kill(-(gateway.process.pid ?? 0), "SIGKILL");
  await gateway.stop("SIGKILL");
  await meanwhile?.();
  await start(Number(new URL(gateway.url).port));
}

/** The sandbox of the session `s`. */
async function sandboxId(): Promise<string> {
  const answer = await gateway.call("GET", "/v1/sessions/s");
  return ((await answer.json()) as { sandbox_id: string }).sandbox_id;
}

/** What the event stream of an execution of the session `s` says. */
async function events(run: string): Promise<string> {
  const answer = await gateway.call("GET", `/v1/sessions/s/executions/${run}/events`);
  expect(answer.status).toBe(200);
  return answer.text();
}

async function collect(events: AsyncIterable<ExecutionEvent>): Promise<ExecutionEvent[]> {
  const all: ExecutionEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const textOf = (events: ExecutionEvent[]): string =>
  events.map((event) => (event.type === "stream" ? event.text : "")).join("");

const patient = (): Hotcell => new Hotcell({ url: gateway.url, key: gateway.key });

describe("a gateway that was killed and started again", () => {
  it("has its sessions with their state, owner, metadata, limits and lifetime", async () => {
    const id = await gateway.session({
      id: "s",
      metadata: { thread: "7" },
      limits: { pids: 100 },
      lifetime: { idle_s: 1000, ttl_s: 5000 },
    });
    await gateway.execute(id, "kept = 41");
    const before = await (await gateway.call("GET", "/v1/sessions/s")).json();
    await killAndStart();
    const after = (await (await gateway.call("GET", "/v1/sessions/s")).json()) as object;
    const {
      usage: _,
      kernels: __,
      last_active_at: ___,
      expires_at: ____,
      ...same
    } = before as Record<string, unknown>;
    expect(after).toMatchObject(same);
    expect((await gateway.execute(id, "kept + 1")).text).toBe("42");
    const other = { metadata: { thread: "7" }, limits: { pids: 99 } };
    expect((await gateway.call("PUT", "/v1/sessions/s", other)).status).toBe(409);
  });

  it("loses, doubles and reorders no event of a run that goes on meanwhile", async () => {
    const session = await patient().session({ id: "s" });
    const execution = session.stream(
      "import time\nfor i in range(60):\n    print(i, flush=True)\n    time.sleep(0.1)",
    );
    const events: ExecutionEvent[] = [];
    let killed: Promise<void> | undefined;
    for await (const event of execution) {
      events.push(event);
      if (textOf(events).includes("5\n")) killed ??= killAndStart();
    }
    await killed;
    expect(textOf(events)).toBe(Array.from({ length: 60 }, (_, index) => `${index}\n`).join(""));
    expect(events.at(-1)).toMatchObject({ status: "ok", state: "kept" });
    expect(events.map(({ n }) => n)).toEqual(
      [...new Set(events.map(({ n }) => n))].sort((a, b) => a - b),
    );
    const again = await collect((await patient().attach("s")).execution(execution.id));
    expect(again).toEqual(events);
  });

  it("goes on with what waited, and holds deadlines", async () => {
    await gateway.session({ id: "s" });
    const submit = (code: string, execution_id: string, timeout_s: number) =>
      gateway.call(
        "POST",
        "/v1/sessions/s/execute",
        { code, execution_id, timeout_s },
        { prefer: "respond-async" },
      );
    expect((await submit("while True: pass", "first", 3)).status).toBe(202);
    expect((await submit("print('waited')", "second", 30)).status).toBe(202);
    await killAndStart();
    const session = await patient().attach("s");
    expect(await session.execution("first").result()).toMatchObject({
      status: "timed_out",
      state: "kept",
    });
    expect(await session.execution("second").result()).toMatchObject({
      status: "ok",
      text: "waited\n",
    });
  });

  it("takes the same execution again without running it twice", async () => {
    await gateway.session({ id: "s" });
    await gateway.execute("s", "count = 0");
    const again = { code: "count += 1; count", execution_id: "once" };
    const first = await gateway.call("POST", "/v1/sessions/s/execute", again);
    expect(await first.json()).toMatchObject({ text: "1" });
    await killAndStart();
    const second = await gateway.call("POST", "/v1/sessions/s/execute", again);
    expect(await second.json()).toMatchObject({ text: "1", status: "ok" });
    expect((await gateway.execute("s", "count")).text).toBe("1");
  });

  it("tells how runs ended whose sandbox was lost meanwhile, and that the session has ended", async () => {
    const id = await gateway.session({ id: "s" });
    const sandbox = await sandboxId();
    await gateway.execute(id, "1", { execution_id: "done" });
    const asked = { code: "import time; time.sleep(100)", execution_id: "cut" };
    await gateway.call("POST", "/v1/sessions/s/execute", asked, { prefer: "respond-async" });
    await killAndStart(() => killSandbox(home, sandbox));
    const gone = await gateway.call("GET", "/v1/sessions/s");
    expect(gone.status).toBe(410);
    expect(await gone.json()).toMatchObject({
      detail: expect.stringContaining("sandbox_lost") as unknown,
    });
    expect(await events("cut")).toMatch(
      /event: gap[\s\S]*"status":"kernel_died".*"reason":"sandbox_lost"/,
    );
    expect(await events("done")).toContain('"status":"ok"');
    // The one after it tells the same.
    await killAndStart();
    expect(await events("cut")).toContain('"reason":"sandbox_lost"');
    expect((await gateway.call("GET", "/v1/sessions/s/executions/never/events")).status).toBe(410);
  });

  it("keeps to what it has told of a run that ended before it came, when the sandbox is lost later", async () => {
    await gateway.session({ id: "s" });
    const sandbox = await sandboxId();
    const asked = { code: "import time; time.sleep(0.2)", execution_id: "unseen" };
    await gateway.call("POST", "/v1/sessions/s/execute", asked, { prefer: "respond-async" });
    await killAndStart();
    expect(await events("unseen")).toContain('"status":"ok"');
    await killAndStart(() => killSandbox(home, sandbox));
    expect((await gateway.call("GET", "/v1/sessions/s")).status).toBe(410);
    expect(await events("unseen")).toContain('"status":"ok"');
  });
});

describe("a gateway that was stopped in order", () => {
  it("leaves its sessions to the next, and says so", async () => {
    await gateway.session({ id: "s" });
    await gateway.execute("s", "kept = 1");
    const stopped = gateway;
    expect(await stopped.stop()).toBe(0);
    expect(stopped.logged()).toContain("1 session goes on without a gateway");
    await start();
    expect((await gateway.execute("s", "kept")).text).toBe("1");
  });

  it("closes WebSockets so that clients come back, and they resume", async () => {
    await gateway.session({ id: "s" });
    const socket = new WebSocket(`${gateway.url.replace("http", "ws")}/v1/sessions/s/stream`, {
      headers: { authorization: `Bearer ${gateway.key}` },
    });
    const messages: { type: string; n?: number; execution_id?: string }[] = [];
    socket.on("message", (data: Buffer) => {
      messages.push(JSON.parse(data.toString()) as { type: string });
    });
    const closed = new Promise<number>((resolve) => socket.on("close", resolve));
    socket.on("open", () =>
      socket.send(
        JSON.stringify({
          op: "execute",
          ref: "a",
          code: "import time; time.sleep(2); print('end')",
          execution_id: "e",
        }),
      ),
    );
    await expect.poll(() => messages.map(({ type }) => type)).toContain("execution_started");
    await gateway.stop();
    expect(await closed).toBe(1012);
    await start();
    const session = await patient().attach("s");
    expect(await session.execution("e").result()).toMatchObject({ text: "end\n", status: "ok" });
  });
});

/** What writing can leave when it is cut off, beside, and where it does no harm instead of, what was there. */
async function spoil(sandboxId: string): Promise<void> {
  const record = await readFile(join(home, "sessions", `${sandboxId}.json`), "utf8");
  const half = record.slice(0, record.length / 2);
  const draft = "dddddddddddddddddddd.json.0123456789ab.draft";
  for (const [directory, unfinished] of [
    ["sessions", draft],
    ["ended", draft],
    ["runtimes/local/sandboxes", "dddddddddddddddddddd.new"],
  ] as const) {
    await mkdir(join(home, directory), { recursive: true });
    await writeFile(join(home, directory, "bbbbbbbbbbbbbbbbbbbb.json"), half);
    await writeFile(join(home, directory, "cccccccccccccccccccc.json"), "");
    await writeFile(join(home, directory, unfinished), half);
  }
  await appendFile(join(home, "runs", `${sandboxId}.jsonl`), '{"run":"half","ker');
  await writeFile(join(home, "runs", "ffffffffffffffffffff.jsonl"), "{");
  await writeFile(join(home, "link-proof.json"), '{"runti');
}

describe("files that a crash has left", () => {
  it("half written stop no start and harm no session", async () => {
    const id = await gateway.session({ id: "s" });
    await gateway.execute(id, "kept = 1");
    const { sandbox_id } = (await (await gateway.call("GET", "/v1/sessions/s")).json()) as {
      sandbox_id: string;
    };
    await gateway.stop("SIGKILL");
    await spoil(sandbox_id);
    await start();
    expect((await gateway.execute("s", "kept")).text).toBe("1");
    expect(new Set(await leftOf(home)).size).toBe(1);
  });
});

describe("sandboxes without a session", () => {
  it("are removed, also those whose start was cut off", async () => {
    const created = Array.from({ length: 3 }, (_, index) =>
      gateway.call("PUT", `/v1/sessions/cut-${index}`, {}).catch(() => undefined),
    );
    await expect.poll(async () => (await leftOf(home)).length, { interval: 5 }).toBeGreaterThan(0);
    await killAndStart();
    await Promise.all(created);
    const page = await gateway.call("GET", "/v1/sessions");
    const { sessions } = (await page.json()) as { sessions: { sandbox_id: string }[] };
    await expect.poll(async () => new Set(await leftOf(home)).size).toBe(sessions.length);
    expect((await gateway.call("PUT", "/v1/sessions/cut-0", {})).ok).toBe(true);
    expect((await gateway.execute("cut-0", "1 + 1")).text).toBe("2");
  });
});
