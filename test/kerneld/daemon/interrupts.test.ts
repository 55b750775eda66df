import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Sandbox } from "./sandbox.js";

let sandbox: Sandbox;
let kernel: string;

beforeAll(async () => {
  [sandbox, kernel] = await Sandbox.withKernel();
});
afterAll(() => sandbox.close());

const imports =
  "import asyncio, concurrent.futures, getpass, os, select, subprocess, threading, time";

const waits: [string, string][] = [
  ["a sleep", "time.sleep(600)"],
  ["a select", "select.select([], [], [])"],
  ["subprocess.run", "subprocess.run(['sleep', '600'])"],
  ["a shell's child", "subprocess.run('sleep 600; true', shell=True)"],
  ["a program that was left, and is waited for", "subprocess.Popen(['sleep', '600']).wait()"],
  ["os.system", "os.system('sleep 600')"],
  ["a loop of os.system", "while True: os.system('sleep 600')"],
  [
    "os.system in a thread",
    "threading.Thread(target=os.system, args=('sleep 2',)).start()\ntime.sleep(600)",
  ],
  ["!", "!sleep 600"],
  ["a loop of get_ipython().system", "while True: get_ipython().system('sleep 600')"],
  ["a program whose output is assigned", "lines = !sleep 600"],
  [
    "a join of a thread",
    "threading.Thread(target=time.sleep, args=(600,), daemon=True).start(); threading.enumerate()[-1].join()",
  ],
  ["a future", "concurrent.futures.Future().result()"],
  ["a lock", "threading.Lock().acquire(); lock = threading.Lock(); lock.acquire(); lock.acquire()"],
  ["numpy at work", "import numpy\na = numpy.ones(500_000)\nwhile True: a = numpy.sin(a)"],
  ["an await", "await asyncio.sleep(600)"],
  ["input()", "input('? ')"],
  ["getpass()", "getpass.getpass()"],
];

describe("an interrupt ends", () => {
  test.each(waits)("%s, and the next run works", async (_, code) => {
    const id = await sandbox.put(kernel, `${imports}\nprint('go', flush=True)\n${code}`, {
      stdin: "ask",
    });
    const next = await sandbox.put(kernel, "1+1");
    await sandbox.until(`run=${id}`, (head) => head.msg_type === "stream");
    await sandbox.send("POST", `/runs/${id}/interrupt`, {});
    const run = await sandbox.ended(id);
    expect(run.finished).toMatchObject({ status: "interrupted", state: "kept" });
    expect(run.of("error")[0]?.content).toMatchObject({ ename: "KeyboardInterrupt" });
    const after = await sandbox.ended(next);
    expect(after.of("execution_started")[0]).toMatchObject({ state: "kept" });
    expect(after.finished["status"]).toBe("ok");
  });

  test("a program that is only being started", async () => {
    const code = `
output = get_ipython().kernel.output
flush = output.flush
def slow():
    import time
    output.flush = flush
    print('go', flush=True)
    time.sleep(600)
output.flush = slow
get_ipython().system('sleep 600')`;
    const id = await sandbox.put(kernel, code);
    await sandbox.until(`run=${id}`, (head) => head.msg_type === "stream");
    await sandbox.send("POST", `/runs/${id}/interrupt`, {});
    expect((await sandbox.ended(id)).finished).toMatchObject({
      status: "interrupted",
      state: "kept",
    });
  });

  test("%%bash", async () => {
    const id = await sandbox.put(kernel, "%%bash\necho go\nsleep 600");
    await sandbox.until(`run=${id}`, (head) => head.msg_type === "stream");
    await sandbox.send("POST", `/runs/${id}/interrupt`, {});
    expect((await sandbox.ended(id)).finished).toMatchObject({
      status: "interrupted",
      state: "kept",
    });
  });

  test("a run with a traceback that stops at the user's code", async () => {
    const code = `${imports}\nprint('go', flush=True)\nsubprocess.run(['sleep', '600'])`;
    const id = await sandbox.put(kernel, code);
    await sandbox.until(`run=${id}`, (head) => head.msg_type === "stream");
    await sandbox.send("POST", `/runs/${id}/interrupt`, {});
    const traceback = (await sandbox.ended(id)).of("error")[0]?.content?.["traceback"];
    expect(String(traceback)).toContain("Cell");
    expect(String(traceback)).not.toContain("subprocess.py");
  });
});

describe("a question", () => {
  const question = async (id: string, after = 0) =>
    sandbox.until(`run=${id}&after=${after}`, (head) => head.msg_type === "input_request");

  test("of getpass says that the answer is a secret", async () => {
    const id = await sandbox.put(kernel, "import getpass; getpass.getpass('Key: ')", {
      stdin: "ask",
    });
    expect((await question(id)).content).toMatchObject({ prompt: "Key: ", password: true });
    await sandbox.send("POST", `/runs/${id}/input`, { value: "s3cret" });
    expect((await sandbox.ended(id)).finished["status"]).toBe("ok");
  });

  test("after another is asked and answered by itself; a second answer is too late", async () => {
    const id = await sandbox.put(kernel, "[input('one'), input('two')]", { stdin: "ask" });
    const first = await question(id);
    await sandbox.send("POST", `/runs/${id}/input`, { value: "1" });
    const second = await question(id, first.n);
    expect(second.content).toMatchObject({ prompt: "two" });
    await sandbox.send("POST", `/runs/${id}/input`, { value: "2" });
    const run = await sandbox.ended(id);
    expect(run.of("input_request")).toHaveLength(2);
    expect(run.of("execute_result")[0]?.content?.["data"]).toEqual({
      "text/plain": "['1', '2']",
    });
  });

  test("once answered waits no more", async () => {
    const id = await sandbox.put(kernel, "input(); import time; time.sleep(600)", { stdin: "ask" });
    await question(id);
    const answer = () => sandbox.send("POST", `/runs/${id}/input`, { value: "x" });
    expect((await answer()).status).toBe(204);
    expect(await answer()).toMatchObject({
      status: 409,
      json: { code: "not_waiting_for_input" },
    });
    await sandbox.send("DELETE", `/runs/${id}`);
    await sandbox.ended(id);
  });

  test("that was interrupted, and the code goes on, waits no more", async () => {
    const code =
      "try: input('one')\nexcept KeyboardInterrupt: print('caught')\nprint(input('two'))";
    const id = await sandbox.put(kernel, code, { stdin: "ask" });
    const first = await question(id);
    await sandbox.send("POST", `/runs/${id}/interrupt`, {});
    const second = await question(id, first.n);
    expect(second.content).toMatchObject({ prompt: "two" });
    await sandbox.send("POST", `/runs/${id}/input`, { value: "yes" });
    const run = await sandbox.ended(id);
    expect([run.text("stdout"), run.finished["status"]]).toEqual(["caught\nyes\n", "ok"]);

    const last = await sandbox.put(
      kernel,
      "import time\ntry: input()\nexcept KeyboardInterrupt: print('caught', flush=True)\ntime.sleep(600)",
      { stdin: "ask" },
    );
    await question(last);
    await sandbox.send("POST", `/runs/${last}/interrupt`, {});
    await sandbox.until(`run=${last}`, (head) => head.msg_type === "stream");
    expect((await sandbox.send("GET", `/runs/${last}`)).json).toMatchObject({
      state: "running",
      waiting_for_input: false,
    });
    expect(await sandbox.send("POST", `/runs/${last}/input`, { value: "late" })).toMatchObject({
      status: 409,
      json: { code: "not_waiting_for_input" },
    });
    await sandbox.send("DELETE", `/runs/${last}`);
    await sandbox.ended(last);
  });

  test("that nobody answers ends with its run's deadline", async () => {
    const run = await sandbox.execute(kernel, "input()", { stdin: "ask", timeout_s: 0.5 });
    expect(run.events).toEqual([
      ...["execution_started", "input_request", "deadline", "error", "execution_finished"],
    ]);
    expect(run.finished).toMatchObject({ status: "timed_out", state: "kept", reason: "deadline" });
  });

  test("can be asked after a death", async () => {
    const dying = await sandbox.put(kernel, "input(); import os; os._exit(1)", { stdin: "ask" });
    await question(dying);
    await sandbox.send("POST", `/runs/${dying}/input`, { value: "" });
    expect((await sandbox.ended(dying)).finished["status"]).toBe("kernel_died");
    const id = await sandbox.put(kernel, "input()", { stdin: "ask" });
    await question(id);
    await sandbox.send("POST", `/runs/${id}/input`, { value: "alive" });
    expect((await sandbox.ended(id)).finished).toMatchObject({ status: "ok" });
  });
});
