import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";
import { missingProtections } from "./protections.js";

let gateway: GatewayProcess;
let session: string;
let neighbour: string;
beforeAll(async () => {
  gateway = await startGatewayProcess();
  [session, neighbour] = await Promise.all([gateway.session(), gateway.session()]);
});
afterAll(async () => gateway.close());

const run = (code: string, options?: object) => gateway.execute(session, code, options);

/** After whatever was done to it: the gateway lives, and the next run here and elsewhere works. */
async function everythingWorks(): Promise<void> {
  expect((await run("print('next')")).outputs).toMatchObject([{ text: "next\n" }]);
  expect((await gateway.execute(neighbour, "print('neighbour')")).text).toBe("neighbour\n");
  expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
}

describe("code that ends its interpreter", () => {
  it.each([
    ["exit()", "exit 0"],
    ["import os; os._exit(1)", "exit 1"],
    ["import os; os.kill(os.getpid(), 9)", "signal 9"],
    ["import ctypes; ctypes.string_at(0)", "signal 11"],
  ])("%s", async (code, reason) => {
    await run("marker = 1");
    const before = await run("1");
    const events = await gateway.events(session, code);
    const ends = events.filter((event) => event.type === "execution_finished");
    expect(ends).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ status: "kernel_died", reason, state: "lost" });
    const after = await gateway.events(session, "'marker' in globals()");
    expect(after.find((event) => event.type === "execution_started")).toMatchObject({
      state: "fresh",
      generation: (before.generation ?? 0) + 1,
    });
    expect(after).toContainEqual(expect.objectContaining({ data: { "text/plain": "False" } }));
    await everythingWorks();
  });

  it("all the memory", async ({ skip }) => {
    const missing = await missingProtections(gateway, session);
    skip(missing.includes("memory_limit"), "this machine cannot limit a session's memory");
    const result = await run("x = []\nwhile True: x.append(bytearray(50_000_000))");
    expect(result).toMatchObject({ status: "kernel_died", reason: "oom", state: "lost" });
    expect(result.text).toContain("oom");
    await everythingWorks();
  });
});

describe("code that does not end by itself", () => {
  it("is interrupted at its deadline and keeps its state", async () => {
    await run("kept = 7");
    const events = await gateway.events(session, "while True: pass", { timeout_s: 1 });
    expect(events).toContainEqual(expect.objectContaining({ type: "deadline", step: "interrupt" }));
    expect(events.at(-1)).toMatchObject({ status: "timed_out", state: "kept" });
    expect((await run("kept")).text).toBe("7");
  });

  it("is killed when it does not heed the interrupt", async () => {
    const events = await gateway.events(
      session,
      "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: time.sleep(1)",
      { timeout_s: 1 },
    );
    expect(events.flatMap((event) => (event.type === "deadline" ? [event.step] : []))).toEqual([
      "interrupt",
      "kill",
    ]);
    expect(events.at(-1)).toMatchObject({ status: "timed_out", state: "lost" });
    await everythingWorks();
  });

  it("a fork bomb", async () => {
    const result = await run(
      "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
      { timeout_s: 3 },
    );
    expect(result.status).toBe("timed_out");
    await everythingWorks();
  });

  it("is interrupted on demand, cancelled in the queue, and answers 409 where it may not wait", async () => {
    const first = gateway.events(session, "import time\ntime.sleep(30)", { execution_id: "first" });
    await expect
      .poll(async () => {
        const response = await gateway.call("GET", `/v1/sessions/${session}/executions/first`);
        return response.status === 200
          ? ((await response.json()) as { status: string }).status
          : "none";
      })
      .toBe("running");
    const busy = await gateway.call("POST", `/v1/sessions/${session}/execute`, {
      code: "1",
      queue: false,
    });
    expect(busy.status).toBe(409);
    expect(await busy.json()).toMatchObject({ code: "kernel_busy" });
    const accepted = await gateway.call(
      "POST",
      `/v1/sessions/${session}/execute`,
      { code: "print('never')", execution_id: "second" },
      { prefer: "respond-async" },
    );
    expect(accepted.status).toBe(202);
    expect(await accepted.json()).toMatchObject({ state: "queued", position: 1 });
    const cancelled = await gateway.call("DELETE", `/v1/sessions/${session}/executions/second`);
    expect(cancelled.status).toBe(200);
    await gateway.call("POST", `/v1/sessions/${session}/executions/first/interrupt`);
    expect((await first).at(-1)).toMatchObject({ status: "interrupted", state: "kept" });
    const second = await gateway.call("GET", `/v1/sessions/${session}/executions/second`);
    expect(await second.json()).toMatchObject({ status: "cancelled", outputs: [] });
    await everythingWorks();
  });
});

describe("code that spoils its own surroundings", () => {
  it.each([
    ["closes sys.stdout", "import sys\nsys.stdout.close()"],
    ["replaces sys.stdout", "import sys\nsys.stdout = 'nothing'"],
    ["takes sys.stdout away", "import sys\ndel sys.stdout"],
    ["closes the descriptors", "import os\nos.close(1); os.close(2)"],
    ["forks and does not exit", "import os\nos.fork()\nNone"],
    [
      "prints from threads after the run",
      "import threading, time\n[threading.Timer(0.05, print, ['stray']).start() for _ in range(20)]\nNone",
    ],
    ["has a NUL", "x = 1\0"],
    ["has half a surrogate pair in its output", "print('\\ud800')"],
    ["is not Python", "this is not python"],
  ])("%s", async (_title, code) => {
    const events = await gateway.events(session, code, { timeout_s: 20 });
    expect(events.filter((event) => event.type === "execution_finished")).toHaveLength(1);
    expect(["ok", "error"]).toContain((events.at(-1) as { status: string }).status);
    await everythingWorks();
  });
});

describe("output without measure", () => {
  beforeEach(async () => {
    await run("1");
  });

  it("of 1 GiB in one print is cut in the middle and counted", async () => {
    const events = await gateway.events(session, "print('x' * 2**30)");
    const texts = events.flatMap((event) => (event.type === "stream" ? [event.text] : []));
    const dropped = events.flatMap((event) =>
      event.type === "output_truncated" ? [event.dropped_bytes] : [],
    );
    const kept = texts.join("").length;
    expect(texts[0]).toMatch(/^x+$/);
    expect(texts.at(-1)).toMatch(/x\n$/);
    expect(kept).toBeLessThanOrEqual(1024 * 1024 + 64 * 1024);
    expect((dropped[0] ?? 0) + kept).toBe(2 ** 30 + 1);
    expect(events.at(-1)).toMatchObject({
      status: "ok",
      output: { stdout_bytes: 2 ** 30 + 1, truncated: true },
    });
    await everythingWorks();
  });

  it("of 100,000 lines arrives whole and in order when the limit allows", async () => {
    const events = await gateway.events(session, "for i in range(100_000): print(i)", {
      max_output_bytes: 10_000_000,
    });
    const text = events.flatMap((event) => (event.type === "stream" ? [event.text] : [])).join("");
    expect(text).toBe(Array.from({ length: 100_000 }, (_, index) => `${index}\n`).join(""));
  });
});
