import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type ExecutionEvent, Hotcell, type Session } from "../../src/client/index.js";
import { type CuttingProxy, startCuttingProxy } from "./cutting-proxy.js";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";
import { runtime } from "./runtime.js";

let gateway: GatewayProcess;
let client: Hotcell;
let session: Session;
beforeAll(async () => {
  gateway = await startGatewayProcess();
  client = new Hotcell({ url: gateway.url, key: gateway.key });
  session = await client.session();
});
afterAll(async () => gateway.close());

async function collect(events: AsyncIterable<ExecutionEvent>): Promise<ExecutionEvent[]> {
  const all: ExecutionEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const textOf = (events: ExecutionEvent[]): string =>
  events.map((event) => (event.type === "stream" ? event.text : "")).join("");

describe("a session", () => {
  it("keeps its state from run to run", async () => {
    expect(await session.run("x = 41")).toMatchObject({ status: "ok", session_id: session.id });
    expect(await session.run("x + 1")).toMatchObject({ text: "42", state: "kept" });
  });

  it("is a new one, or the one of its name, and ends with the block that made it", async () => {
    {
      await using made = await client.session({ id: "thread-1", metadata: { made: "here" } });
      expect(made.made).toBe(true);
      await made.run("x = 1");
      {
        await using found = await client.session({ id: "thread-1" });
        expect(found.made).toBe(false);
        expect((await found.run("x")).text).toBe("1");
      }
      const attached = await client.attach("thread-1");
      expect((await attached.run("x")).text).toBe("1");
      const { sessions } = await client.sessions({ metadata: { made: "here" } });
      expect(sessions.map(({ id }) => id)).toEqual(["thread-1"]);
    }
    await expect(client.attach("thread-1")).rejects.toMatchObject({
      code: "session_ended",
      status: 410,
    });
  });

  it("says how it is", async () => {
    expect(session.view).toMatchObject({ id: session.id, runtime, state: "running" });
    const view = await session.refresh();
    expect(view.kernels).toHaveLength(1);
    expect(session.view).toBe(view);
    expect(await client.images()).toMatchObject([{ name: "python", default: true }]);
  });

  it("that has ended refuses with the reason, and may be ended again", async () => {
    const ended = await client.session();
    await ended.end();
    await ended.end();
    await expect(ended.run("1")).rejects.toMatchObject({ code: "session_ended" });
    await expect(collect(ended.stream("1"))).rejects.toMatchObject({ code: "session_ended" });
    await expect(client.attach("never-made")).rejects.toMatchObject({ code: "session_not_found" });
  });

  it("is made on the first use of its name by a run", async () => {
    const options = { session: "by-run", env: { WHERE: "session" } };
    const first = await client.run("import os; os.environ['WHERE']", options);
    expect(first).toMatchObject({ session_id: "by-run", text: "'session'" });
    expect(await client.run("os.getpid() > 0", options)).toMatchObject({ text: "True" });
    await using alone = await client.attach((await client.run("1")).session_id);
    expect(alone.id).toMatch(/^ses_/);
  });

  it("gets a fresh interpreter", async () => {
    await using own = await client.session();
    await own.run("x = 1");
    await own.restart();
    const { outputs, state } = await own.run("'x' in globals()");
    expect(outputs).toMatchObject([{ data: { "text/plain": "False" } }]);
    expect(state).toBe("kept");
  });

  it("completes and inspects code", async () => {
    await session.run("import math");
    expect(await session.complete("math.fact")).toMatchObject({ matches: ["factorial"] });
    expect(await session.inspect("math.factorial")).toMatchObject({ found: true });
  });
});

describe("code", () => {
  it("that fails is a result, not an exception", async () => {
    const result = await session.run("1 / 0");
    expect(result).toMatchObject({ status: "error" });
    expect(result.text).toContain("ZeroDivisionError");
  });

  it("is streamed as it runs, and gathered from the same execution", async () => {
    const execution = session.stream("print('a'); 6 * 7");
    const events = await collect(execution);
    expect(events.map(({ type }) => type)).toEqual([
      "execution_started",
      "stream",
      "execute_result",
      "execution_finished",
    ]);
    expect(await execution.result()).toMatchObject({ execution_id: execution.id, text: "a\n42" });
  });

  it("that nobody may run is refused with what is wrong with it", async () => {
    await expect(session.run("1", { timeout_s: -1 })).rejects.toMatchObject({
      code: "invalid_request",
      status: 400,
      errors: [{ path: "timeout_s" }],
    });
    const stranger = new Hotcell({ url: gateway.url, key: "another-key-than-that" });
    await expect(stranger.run("1")).rejects.toMatchObject({ code: "unauthenticated", status: 401 });
    await session.run("1", { execution_id: "mine" });
    await expect(session.run("2", { execution_id: "mine" })).rejects.toMatchObject({
      code: "execution_conflict",
    });
  });

  it("asks for input and gets it", async () => {
    const execution = session.stream("print(input('name? ') + input('again? '))", { stdin: "ask" });
    const events: ExecutionEvent[] = [];
    for await (const event of execution) {
      events.push(event);
      if (event.type === "input_request") await execution.input(event.prompt.slice(0, 2));
    }
    expect(textOf(events)).toBe("naag\n");
  });

  it.each([
    ["by its execution", (own: Session, id: string) => own.execution(id).interrupt()],
    ["by its session", (own: Session) => own.interrupt()],
  ])("is interrupted %s", async (_how, interrupt) => {
    const execution = session.stream("import time; print('begun'); time.sleep(600)");
    const events: ExecutionEvent[] = [];
    for await (const event of execution) {
      events.push(event);
      if (event.type === "stream") await interrupt(session, execution.id);
    }
    expect(events.at(-1)).toMatchObject({ status: "interrupted" });
  });

  it("is cancelled by its execution, or when its reader leaves", async () => {
    const sleeps = "import time; print('begun'); time.sleep(600)";
    const cancelled = session.stream(sleeps);
    for await (const event of cancelled) if (event.type === "stream") break;
    expect(await cancelled.cancel()).toMatchObject({ id: cancelled.id });
    expect((await cancelled.result()).status).not.toBe("ok");

    const left = session.stream(sleeps, { on_disconnect: "cancel" });
    for await (const event of left) if (event.type === "stream") break;
    expect((await left.result()).status).not.toBe("ok");

    const stays = session.stream("print('begun'); input()", { stdin: "ask" });
    for await (const event of stays) if (event.type === "input_request") break;
    await stays.input("x");
    expect(await stays.result()).toMatchObject({ status: "ok" });
  });

  it("gives what was too large for an event by its link", async () => {
    const execution = session.stream(
      "display({'text/plain': 'large', 'application/x-large': 'x' * 12_000_000}, raw=True)",
    );
    const events = await collect(execution);
    const display = events.find((event) => event.type === "display_data");
    const { artifacts } = display?.metadata["hotcell"] as { artifacts: { href: string }[] };
    const bytes = await execution.artifact(artifacts[0]?.href ?? "");
    expect(bytes.length).toBe(12_000_000);
  });
});

describe("files", () => {
  it("are written, read, listed and removed", async () => {
    expect(await session.files.put("data/a b#?%.txt", "héllo")).toEqual({ created: true });
    expect(await session.files.put("data/a b#?%.txt", "hé")).toEqual({ created: false });
    expect(await session.files.text("data/a b#?%.txt")).toBe("hé");
    expect(await session.files.text("/workspace/data/./a b#?%.txt")).toBe("hé");
    await session.run("open('data/bytes', 'wb').write(bytes(range(256)))");
    const response = await session.files.get("data/bytes");
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(
      Uint8Array.from({ length: 256 }, (_none, index) => index),
    );
    const { entries } = await session.files.list("data");
    expect(entries).toMatchObject([
      { path: "data/a b#?%.txt", kind: "file", size: 3 },
      { path: "data/bytes", kind: "file", size: 256 },
    ]);
    const all = await session.files.list("", { depth: 2 });
    expect(all.entries.map(({ path }) => path)).toContain("data/bytes");
    await session.files.delete("data");
    await expect(session.files.get("data/bytes")).rejects.toMatchObject({
      code: "file_not_found",
    });
  });

  it("come as bytes, blobs and streams", async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    await session.files.put("bytes", bytes);
    await session.files.put("blob", new Blob([bytes]));
    await session.files.put("stream", new Blob([bytes, bytes]).stream());
    const sizes = (await session.files.list()).entries.map(({ path, size }) => [path, size]);
    expect(Object.fromEntries(sizes)).toMatchObject({
      bytes: 60_000,
      blob: 60_000,
      stream: 120_000,
    });
  });

  it.each(["../x", "a/../../x", "/etc/passwd", "a/%2e%2e/../x"])(
    "outside of the workspace cannot be asked for: %s",
    async (path) => {
      await expect(session.files.get(path)).rejects.toMatchObject({ code: "invalid_path" });
    },
  );
});

describe("a connection that is cut", () => {
  let proxy: CuttingProxy;
  let far: Session;
  beforeAll(async () => {
    proxy = await startCuttingProxy(gateway.url);
    const there = new Hotcell({ url: proxy.url, key: gateway.key });
    far = await there.attach(session.id);
  });
  afterEach(() => proxy.cutAfter(Infinity));
  afterAll(async () => proxy.close());

  const counts = "for i in range(400):\n    print(i, flush=True); time.sleep(0.002)";
  const numbers = Array.from({ length: 400 }, (_none, index) => `${index}\n`).join("");

  it("loses no event and repeats none, wherever it is cut", async () => {
    await session.run("import time");
    proxy.cutAfter(4_001);
    const events = await collect(far.stream(counts));
    expect(textOf(events)).toBe(numbers);
    const order = events.map(({ n }) => n);
    expect(order).toEqual([...new Set(order)].sort((a, b) => a - b));
    expect(events.at(-1)).toMatchObject({ type: "execution_finished", status: "ok" });
    expect(proxy.cuts).toBeGreaterThan(2);
  });

  it("runs the code once, though it is cut before the answer", async () => {
    await session.run("runs = 0");
    proxy.cutAfter(0, 2);
    expect(textOf(await collect(far.stream("runs += 1; print(runs)")))).toBe("1\n");
    proxy.cutAfter(0, 2);
    expect(await far.run("runs += 1; runs")).toMatchObject({ text: "2" });
  });

  it("does not lose what is gathered", async () => {
    proxy.cutAfter(250, 1);
    const result = await far.run("print('x' * 1000); time.sleep(0.2); 'end'");
    expect(result).toMatchObject({ status: "ok", text: `${"x".repeat(1000)}\n'end'` });
  });

  it("for good ends the loop", async () => {
    const execution = far.stream("print('begun'); time.sleep(600)", {
      on_disconnect: "cancel",
      retry: { for_s: 0.3 },
    });
    const read = (async () => {
      for await (const event of execution) {
        if (event.type === "stream") await proxy.cut();
      }
    })();
    await expect(read).rejects.toMatchObject({ code: "gateway_unreachable" });
  });
});

describe("a gateway that is stopped", () => {
  it("ends what runs with its reason", async () => {
    const own = await startGatewayProcess();
    try {
      const there = await new Hotcell({ url: own.url, key: own.key }).session();
      const events: ExecutionEvent[] = [];
      for await (const event of there.stream("print('begun'); import time; time.sleep(600)")) {
        events.push(event);
        if (event.type === "stream") own.process.kill("SIGTERM");
      }
      expect(events.at(-1)).toMatchObject({ status: "cancelled", reason: "gateway_stopped" });
      await own.stop();
      await expect(there.run("1", { retry: { for_s: 0 } })).rejects.toMatchObject({
        code: "gateway_unreachable",
      });
    } finally {
      await own.close();
    }
  });
});
