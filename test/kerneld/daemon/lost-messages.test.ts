import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Sandbox, type Ended } from "./sandbox.js";

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await Sandbox.start();
  await sandbox.assign([]);
});
afterAll(() => sandbox.close());

const KERNEL = "kernel = get_ipython().kernel\n";
const NO_REPLY = `${KERNEL}kernel._reply = lambda *_: None\n`;
const NO_IDLE = `${KERNEL}status = kernel.publications.status
kernel.publications.status = lambda state, parent: state == 'idle' or status(state, parent)\n`;
const SPEAKS_ON = `
import threading, time
def speak():
    until = time.monotonic() + 1
    while time.monotonic() < until:
        print('.', end='', flush=True)
        time.sleep(0.02)
    print('last', flush=True)
threading.Thread(target=speak).start()
`;

/** Runs code in a kernel of its own, which does not say all that it has to. */
async function execute(code: string, timeout_s = 60): Promise<Ended> {
  const kernel = randomUUID();
  await sandbox.send("POST", "/kernels", { id: kernel, language: "python" });
  try {
    const run = await sandbox.execute(kernel, code, { timeout_s, grace_s: 0.5 });
    const next = await sandbox.execute(kernel, "print('next')", { timeout_s });
    expect(next.text("stdout")).toBe("next\n");
    return run;
  } finally {
    await sandbox.send("DELETE", `/kernels/${kernel}`);
  }
}

describe("a run whose idle never comes", () => {
  test("ends as its reply says, half a second after it", async () => {
    const { finished } = await execute(`${NO_IDLE}print('words')`);
    expect(finished).toMatchObject({ status: "ok", reason: null, state: "kept" });
    expect(finished["duration_ms"]).toBeGreaterThanOrEqual(500);
  });

  test("and which fails ends with its error", async () => {
    const run = await execute(`${NO_IDLE}1/0`);
    expect(run.of("error")[0]?.content).toMatchObject({ ename: "ZeroDivisionError" });
    expect(run.finished).toMatchObject({ status: "error", state: "kept" });
  });

  test("has what is said until then, however long it speaks on", async () => {
    const run = await execute(NO_IDLE + SPEAKS_ON);
    expect(run.text("stdout")).toMatch(/^\.+last\n$/);
    expect(run.finished).toMatchObject({ status: "ok", state: "kept" });
    expect(run.finished["duration_ms"]).toBeGreaterThanOrEqual(1500);
  });

  test("and which speaks without end has ended by its deadline", async () => {
    const endless = SPEAKS_ON.replace("time.monotonic() + 1", "float('inf')");
    const run = await execute(NO_IDLE + endless.replace(".start()", ".start()\n'said'"), 2);
    expect(run.of("execute_result")[0]?.content?.["data"]).toEqual({ "text/plain": "'said'" });
    expect(run.finished).toMatchObject({ status: "ok", state: "kept" });
  });
});

describe("a run whose reply never comes", () => {
  test("ends as an error that has this for a reason: nobody knows whether it was one", async () => {
    const { finished } = await execute(`${NO_REPLY}print('words')`);
    expect(finished).toMatchObject({ status: "error", reason: "no_reply", state: "kept" });
    expect(finished["duration_ms"]).toBeGreaterThanOrEqual(500);
  });

  test("and which is interrupted was interrupted", async () => {
    const kernel = randomUUID();
    await sandbox.send("POST", "/kernels", { id: kernel, language: "python" });
    const id = await sandbox.put(kernel, `${NO_REPLY}print('go', flush=True)\nwhile True: pass`);
    await sandbox.until(`run=${id}`, (head) => head.msg_type === "stream");
    await sandbox.send("POST", `/runs/${id}/interrupt`, {});
    const { finished } = await sandbox.ended(id);
    expect(finished).toMatchObject({ status: "interrupted", reason: null, state: "kept" });
  });
});

describe("a run whose reply comes behind its idle", () => {
  test("and asks for the kernel's end waits for that, however long exit handlers take", async () => {
    const run = await execute(`${KERNEL}
import atexit, sys, time
parents = sys.modules[type(kernel).__module__.rpartition('.')[0] + '.parents']
kernel.publications.status('idle', parents.current())
kernel.publications.status = lambda *_: None
time.sleep(0.1)
atexit.register(time.sleep, 1.5)
exit()`);
    expect(run.finished).toMatchObject({ status: "kernel_died", reason: "exit 0", state: "lost" });
  });
});

describe("a run of which neither comes", () => {
  test("is ended by its deadline, with its kernel", async () => {
    const run = await execute(`${NO_IDLE}${NO_REPLY}print('words')`, 1);
    expect(run.text("stdout")).toBe("words\n");
    expect(run.of("deadline").map((head) => head["step"])).toEqual(["interrupt", "kill"]);
    expect(run.finished).toMatchObject({ status: "timed_out", reason: "deadline", state: "lost" });
  });
});
