import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Sandbox } from "./sandbox.js";

let sandbox: Sandbox;
let kernel: string;

beforeAll(async () => {
  [sandbox, kernel] = await Sandbox.withKernel({ memory: "640m", privateSize: "64m" });
});
afterAll(() => sandbox.close());

async function expectFresh(): Promise<void> {
  const run = await sandbox.execute(kernel, "'alive'");
  expect(run.of("execution_started")[0]).toMatchObject({ state: "fresh" });
  expect(run.finished["status"]).toBe("ok");
}

describe("a kernel's death", () => {
  test.each([
    ["exit()", "exit 0"],
    ["import os; os._exit(3)", "exit 3"],
    ["import os; os.kill(os.getpid(), 9)", "signal 9"],
    ["import ctypes; ctypes.string_at(0)", "signal 11"],
  ])(
    "by %s ends the run with its reason, and a fresh one takes its place",
    async (code, reason) => {
      const before = await kernelObject();
      const run = await sandbox.execute(kernel, code);
      expect(run.finished).toMatchObject({ status: "kernel_died", state: "lost", reason });
      await expectFresh();
      const after = await kernelObject();
      expect(after.generation).toBe(before.generation + 1);
      expect(after.last_death).toMatchObject({ reason });
    },
  );

  test.each([
    ["at once", "os._exit(1)"],
    ["from a thread", "threading.Timer(0, os._exit, [1]).start(); time.sleep(60)"],
  ])("comes after all that the kernel said: os._exit %s", async (_, end) => {
    const code = `
import os, threading, time
print('x' * 3_000_000, 'words')
os.write(1, b'descriptor\\n')
os.system('echo program')
print('last', end='')
${end}`;
    const run = await sandbox.execute(kernel, code, { max_output_bytes: 4_000_000 });
    expect(run.finished).toMatchObject({ status: "kernel_died", reason: "exit 1" });
    expect(run.text("stdout").slice(-35)).toBe(
      "x words\ndescriptor\nprogram\nlast".padStart(35, "x"),
    );
    await expectFresh();
  });

  test("by os._exit is not kept off by a lock that is held", async () => {
    const code = `
import os, gc
class Last:
    def __del__(self): os._exit(3)
kernel = get_ipython().kernel
with kernel.iopub_socket._lock: del kernel; Last()
`;
    expect((await sandbox.execute(kernel, code)).finished).toMatchObject({ reason: "exit 3" });
    await expectFresh();
  });

  test("of a child by os._exit says nothing for the kernel", async () => {
    const code = `
import os
print('parent')
if os.fork() == 0:
    print('child')
    os._exit(5)
print(os.waitstatus_to_exitcode(os.wait()[1]))`;
    const run = await sandbox.execute(kernel, code);
    expect(run.text("stdout")).toBe("parent\nchild\n5\n");
    expect(run.finished["status"]).toBe("ok");
  });

  test("for want of memory is told as such", async () => {
    const run = await sandbox.execute(kernel, "hoard = bytearray(b'x') * (1 << 30)");
    expect(run.finished).toMatchObject({ status: "kernel_died", state: "lost", reason: "oom" });
    await expectFresh();
  });

  test("lets queued runs go on in the next generation", async () => {
    const first = await sandbox.put(kernel, "input(); import os; os._exit(1)", { stdin: "ask" });
    const second = await sandbox.put(kernel, "'second'");
    const third = await sandbox.put(kernel, "'third'");
    await sandbox.until(`run=${first}`, (head) => head.msg_type === "input_request");
    await sandbox.send("POST", `/runs/${first}/input`, { value: "" });
    expect((await sandbox.ended(first)).finished["reason"]).toBe("exit 1");
    expect((await sandbox.ended(second)).of("execution_started")[0]).toMatchObject({
      state: "fresh",
    });
    expect((await sandbox.ended(third)).of("execution_started")[0]).toMatchObject({
      state: "kept",
    });
  });

  test("while nothing runs is noticed, and another kernel is there for the next run", async () => {
    const { n } = (await sandbox.execute(kernel, "import os, threading")).finished;
    await sandbox.execute(kernel, "threading.Timer(0.1, os._exit, [7]).start()");
    const dead = await sandbox.until(`after=${n}`, (head) => head.event === "dead");
    expect(dead).toMatchObject({ kernel, reason: "exit 7", exit_code: 7 });
    await expectFresh();
  });

  async function kernelObject(): Promise<{ generation: number; last_death: object | null }> {
    const { json } = await sandbox.send("GET", `/kernels/${kernel}`);
    return json as { generation: number; last_death: object | null };
  }
});

describe("code that multiplies", () => {
  test("by a fork without exit ends its run once, and the next one works", async () => {
    const run = await sandbox.execute(kernel, "import os; pid = os.fork(); print('forked')");
    expect(run.finished["status"]).toBe("ok");
    expect((await sandbox.execute(kernel, "1+1")).of("execute_result")).toHaveLength(1);
  });

  test("without end is ended by its deadline, and the sandbox lives", async () => {
    const code = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass";
    const run = await sandbox.execute(kernel, code, { timeout_s: 1, grace_s: 0.5 });
    expect(run.finished["status"]).toBe("timed_out");
    const left = "len([name for name in os.listdir('/proc') if name.isdecimal()])";
    // kerneld, the zygote, the kernel: once those that were killed have been scheduled to die.
    await expect
      .poll(async () => {
        const after = await sandbox.execute(kernel, `import os; ${left}`);
        return after.of("execute_result")[0]?.content?.["data"];
      })
      .toEqual({ "text/plain": "3" });
  });
});

describe("a restart", () => {
  test("ends what runs and what waits, and gives a new generation", async () => {
    const running = await sandbox.put(kernel, "while True: pass");
    const waiting = await sandbox.put(kernel, "1");
    const answer = await sandbox.send("POST", `/kernels/${kernel}/restart`, {});
    expect(answer).toMatchObject({ status: 200, json: { id: kernel, execution_state: "idle" } });
    for (const id of [running, waiting])
      expect((await sandbox.ended(id)).finished).toMatchObject({
        status: "cancelled",
        reason: "restarted",
        state: "lost",
      });
    await expectFresh();
  });
});

describe("a removal", () => {
  test("ends what runs and what waits, and the kernel", async () => {
    const other = randomUUID();
    await sandbox.send("POST", "/kernels", { id: other, language: "python" });
    const running = await sandbox.put(other, "while True: pass");
    const waiting = await sandbox.put(other, "1");
    expect((await sandbox.send("DELETE", `/kernels/${other}`)).status).toBe(204);
    for (const id of [running, waiting])
      expect((await sandbox.ended(id)).finished).toMatchObject({
        status: "cancelled",
        reason: "kernel_removed",
      });
    expect((await sandbox.send("GET", `/kernels/${other}`)).status).toBe(404);
  });
});

describe("a kernel that does not start any more", () => {
  test("is dead after three attempts; its runs end and new ones are refused", async () => {
    const blocked = "import os; os.chmod('/run/kernels', 0); input(); os._exit(1)";
    const first = await sandbox.put(kernel, blocked, { stdin: "ask" });
    const waiting = await sandbox.put(kernel, "1");
    await sandbox.until(`run=${first}`, (head) => head.msg_type === "input_request");
    await sandbox.send("POST", `/runs/${first}/input`, { value: "" });
    expect((await sandbox.ended(waiting)).finished).toMatchObject({
      status: "kernel_died",
      state: "lost",
    });
    const restart = await sandbox.send("POST", `/kernels/${kernel}/restart`, {});
    expect(restart).toMatchObject({ status: 500, json: { code: "kernel_start_failed" } });
    const states = await sandbox.send("GET", "/state");
    expect(states.json).toMatchObject({ kernels: [{ id: kernel, execution_state: "dead" }] });
  });
});
