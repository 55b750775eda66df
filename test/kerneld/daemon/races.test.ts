import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runBody, Sandbox } from "./sandbox.js";

let sandbox: Sandbox;
let kernel: string;

beforeAll(async () => {
  [sandbox, kernel] = await Sandbox.withKernel();
});
afterAll(() => sandbox.close());

/** A kernel whose exit takes a while, which is the time to come in between. */
async function slowToLeave(): Promise<string> {
  const id = randomUUID();
  await sandbox.send("POST", "/kernels", { id, language: "python" });
  await sandbox.execute(id, "import atexit, time; _ = atexit.register(time.sleep, 5)");
  return id;
}

const state = async (id: string) =>
  ((await sandbox.send("GET", `/kernels/${id}`)).json as { execution_state: string })
    .execution_state;

describe("a run that comes", () => {
  test("while its kernel is being restarted waits for the next generation", async () => {
    const other = await slowToLeave();
    const restart = sandbox.send("POST", `/kernels/${other}/restart`, {});
    await expect.poll(() => state(other), { interval: 5 }).toBe("restarting");
    const run = await sandbox.execute(other, "'new'");
    expect(run.finished).toMatchObject({ status: "ok", generation: 2 });
    expect(run.of("execution_started")[0]).toMatchObject({ state: "fresh" });
    expect((await restart).json).toMatchObject({ generation: 2 });
  });

  test("while its kernel is being removed is refused", async () => {
    const other = await slowToLeave();
    const removal = sandbox.send("DELETE", `/kernels/${other}`);
    await expect.poll(() => state(other), { interval: 5 }).toBe("restarting");
    const refused = await sandbox.send("PUT", `/runs/${randomUUID()}`, runBody(other, "1"));
    expect(refused).toMatchObject({ status: 404, json: { code: "kernel_not_found" } });
    expect((await removal).status).toBe(204);
  });
});

describe("a removal", () => {
  test("goes on when whoever asked for it goes away", async () => {
    const other = await slowToLeave();
    const removal = sandbox.open("DELETE", `/kernels/${other}`).catch(() => undefined);
    await expect.poll(() => state(other), { interval: 5 }).toBe("restarting");
    sandbox.drop();
    await removal;
    await sandbox.until(`after=0`, (head) => head.event === "removed" && head.kernel === other);
    expect((await sandbox.send("GET", `/kernels/${other}`)).status).toBe(404);
  });
});

describe("a kernel that heeds its deadline", () => {
  test("while kerneld is kept waiting is heard out, and costs no other run, whatever became of it", async () => {
    const stubborn = `
import time
try: time.sleep(60)
except KeyboardInterrupt: time.sleep(0.6)`;
    const states: unknown[] = [];
    for (let round = 0; round < 3; round += 1) {
      const { n } = (await sandbox.execute(kernel, "1")).finished;
      const id = await sandbox.put(kernel, stubborn, { timeout_s: 0.2, grace_s: 1 });
      const next = await sandbox.put(kernel, "2");
      await sandbox.until(`after=${n}`, (head) => head.event === "deadline");
      await sandbox.signal("STOP");
      await delay(1_000);
      await sandbox.signal("CONT");
      const { finished } = await sandbox.ended(id);
      const after = await sandbox.ended(next);
      expect(finished).toMatchObject({ status: "timed_out", reason: "deadline" });
      expect(after.finished).toMatchObject({ status: "ok" });
      expect(after.of("execution_started")[0]).toMatchObject({
        state: finished["state"] === "kept" ? "kept" : "fresh",
      });
      states.push(finished["state"]);
    }
    // Not each time on a machine that is busy: kerneld listens for no longer than it must.
    expect(states).toContain("kept");
  });
});

describe("an interrupt", () => {
  test("that meets another request's work still ends its run", async () => {
    const busy = `
import time
def slow(*_):
    print('at work')
    time.sleep(50)
get_ipython().kernel.shell_handlers['comm_info_request'] = slow`;
    const { n } = (await sandbox.execute(kernel, busy)).finished;
    const request = { msg_type: "comm_info_request", content: {}, timeout_s: 20 };
    const other = sandbox.send("POST", `/kernels/${kernel}/request`, request);
    await sandbox.until(`after=${n}`, (head) => head.msg_type === "stream");
    const id = await sandbox.put(kernel, "while True: pass");
    await sandbox.send("POST", `/runs/${id}/interrupt`, {});
    expect((await sandbox.ended(id)).finished).toMatchObject({
      status: "interrupted",
      state: "kept",
    });
    expect(JSON.stringify((await other).json)).toContain("KeyboardInterrupt");
  });

  test("wakes a kernel that has stopped itself", async () => {
    const code = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)\nwhile True: pass";
    const id = await sandbox.put(kernel, code);
    // What is woken just before it stops stays stopped.
    const states = () => sandbox.exec("0", "sh", "-c", "cat /proc/[0-9]*/status || true");
    await expect.poll(states).toMatch(/^State:\s+T/m);
    await sandbox.send("POST", `/runs/${id}/interrupt`, {});
    expect((await sandbox.ended(id)).finished).toMatchObject({
      status: "interrupted",
      state: "kept",
    });
  });
});

describe("what is kept of runs", () => {
  test("is the last 512 that are over, whatever still waits; of older ones, that they are forgotten", async () => {
    const first = await sandbox.execute(kernel, "0");
    const held = await sandbox.put(kernel, "input()", { stdin: "ask" });
    const waiting = await Promise.all(
      Array.from({ length: 60 }, () => sandbox.put(kernel, "input()", { stdin: "ask" })),
    );
    const ids: string[] = [];
    for (let index = 0; index < 511; index += 1) {
      const id = await sandbox.put(kernel, "1");
      ids.push(id);
      await sandbox.send("DELETE", `/runs/${id}`);
    }
    const run = String(first.finished.run);
    expect((await sandbox.send("GET", `/runs/${ids[0] ?? ""}`)).status).toBe(200);
    const { runs } = (await sandbox.send("GET", "/runs")).json as { runs: { id: string }[] };
    expect(runs.slice(0, 511).map(({ id }) => id)).toEqual(ids.reverse());
    for (let index = 0; index < 520; index += 1) {
      const id = await sandbox.put(kernel, "1");
      await sandbox.send("DELETE", `/runs/${id}`);
    }
    const forgotten = { status: 410, json: { code: "execution_forgotten" } };
    expect(await sandbox.send("GET", `/runs/${run}`)).toMatchObject(forgotten);
    const again = await sandbox.send("PUT", `/runs/${run}`, runBody(kernel, "0"));
    expect(again).toMatchObject(forgotten);
    expect(await sandbox.send("GET", `/runs/${held}`)).toMatchObject({ status: 200 });
    for (const id of [...waiting, held]) await sandbox.send("DELETE", `/runs/${id}`);
    expect((await sandbox.ended(held)).finished["status"]).toBe("cancelled");
  });
});

// Last: nothing starts in this sandbox any more.
describe("a kernel that does not come up", () => {
  test("accepts runs that all have an end", async () => {
    await sandbox.execute(kernel, "import os; os.chmod('/run/kernels', 0)");
    const id = randomUUID();
    const start = sandbox.send("POST", "/kernels", { id, language: "python" });
    const run = `run-${randomUUID()}`;
    await expect
      .poll(async () => (await sandbox.send("PUT", `/runs/${run}`, runBody(id, "1"))).status, {
        interval: 0,
      })
      .toBe(201);
    expect((await sandbox.ended(run)).finished).toMatchObject({
      status: "kernel_died",
      state: "lost",
      reason: "kernel_start_failed",
    });
    expect(await start).toMatchObject({ status: 500, json: { code: "kernel_start_failed" } });
  });
});
