import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runBody, Sandbox } from "./sandbox.js";

let sandbox: Sandbox;
let kernel: string;

beforeAll(async () => {
  [sandbox, kernel] = await Sandbox.withKernel();
});
afterAll(() => sandbox.close());

describe("a run", () => {
  test("starts, gives its result and ends, in this order", async () => {
    const run = await sandbox.execute(kernel, "1+1");
    expect(run.events).toEqual(["execution_started", "execute_result", "execution_finished"]);
    expect(run.of("execute_result")[0]?.content).toMatchObject({ data: { "text/plain": "2" } });
    expect(run.finished).toMatchObject({ status: "ok", state: "kept", reason: null });
  });

  test("tells fresh from kept state", async () => {
    const other = randomUUID();
    await sandbox.send("POST", "/kernels", { id: other, language: "python" });
    const states = [];
    for (const code of ["x = 1", "x"])
      states.push((await sandbox.execute(other, code)).of("execution_started")[0]?.["state"]);
    expect(states).toEqual(["fresh", "kept"]);
    expect((await sandbox.send("DELETE", `/kernels/${other}`)).status).toBe(204);
  });

  test("that raises ends with error and keeps the state", async () => {
    const run = await sandbox.execute(kernel, "1/0");
    expect(run.of("error")[0]?.content).toMatchObject({ ename: "ZeroDivisionError" });
    expect(run.finished).toMatchObject({ status: "error", state: "kept" });
  });

  test("has environment and directory of its own, for itself only", async () => {
    const code = "import os; print(os.environ.get('ONCE'), os.getcwd())";
    const once = await sandbox.execute(kernel, code, { env: { ONCE: "yes" }, cwd: "/tmp" });
    expect(once.text("stdout")).toBe("yes /tmp\n");
    expect((await sandbox.execute(kernel, code)).text("stdout")).toBe("None /workspace\n");
  });

  test("whose directory cannot be had says so, as the first of its kernel too", async () => {
    const other = randomUUID();
    await sandbox.send("POST", "/kernels", { id: other, language: "python" });
    const run = await sandbox.execute(other, "1+1", { cwd: "/nowhere" });
    expect(run.of("error")[0]?.content).toMatchObject({ ename: "OSError" });
    expect(run.finished).toMatchObject({ status: "error", state: "kept" });
    expect((await sandbox.send("DELETE", `/kernels/${other}`)).status).toBe(204);
  });

  test("counts what it printed and used", async () => {
    const code = "import sys; print('é' * 10); print('x', file=sys.stderr)";
    const { finished } = await sandbox.execute(kernel, code);
    expect(finished["output"]).toEqual({ stdout_bytes: 21, stderr_bytes: 2, truncated: false });
    expect(finished["usage"]).toMatchObject({ cpu_ms: expect.any(Number) as number });
    expect((finished["usage"] as { memory_peak_bytes: number }).memory_peak_bytes).toBeGreaterThan(
      10_000_000,
    );
  });

  test("of the same id and body is joined, with another body it is a conflict", async () => {
    const id = `run-${randomUUID()}`;
    const body = runBody(kernel, "counter = globals().get('counter', 0) + 1; counter");
    expect((await sandbox.send("PUT", `/runs/${id}`, body)).status).toBe(201);
    await sandbox.ended(id);
    const joined = await sandbox.send("PUT", `/runs/${id}`, body);
    expect(joined).toMatchObject({ status: 200, json: { id, state: "finished", status: "ok" } });
    expect(joined.json).toMatchObject({ timeout_s: 60, grace_s: 5 });
    const conflict = await sandbox.send("PUT", `/runs/${id}`, { ...body, code: "2" });
    expect(conflict).toMatchObject({ status: 409, json: { code: "execution_conflict" } });
    expect(
      (await sandbox.execute(kernel, "counter")).of("execute_result")[0]?.content,
    ).toMatchObject({ data: { "text/plain": "1" } });
  });

  test("with a field that is wrong or missing is refused by that field's name", async () => {
    const bad = { timeout_s: 0, stdin: "maybe", max_output_bytes: -1, env: { A: 1 }, kernel: "k" };
    for (const [field, value] of Object.entries(bad)) {
      const body = { ...runBody(kernel, "1"), [field]: value };
      const answer = await sandbox.send("PUT", `/runs/${randomUUID()}`, body);
      expect(answer).toMatchObject({ status: 400, json: { code: "invalid_request" } });
      expect((answer.json as { detail: string }).detail).toMatch(field === "env" ? /^A / : field);
    }
    const unknown = await sandbox.send("GET", "/runs/never-heard-of");
    expect(unknown).toMatchObject({ status: 404, json: { code: "execution_not_found" } });
  });

  test("stands in the state that is asked for with the runs, as in their own list", async () => {
    await sandbox.execute(kernel, "1");
    const listed = (await sandbox.send("GET", "/runs")).json as { runs: object[] };
    expect(listed.runs.length).toBeGreaterThan(0);
    expect((await sandbox.send("GET", "/state?runs=1")).json).toMatchObject(listed);
    expect((await sandbox.send("GET", "/state")).json).not.toHaveProperty("runs");
  });

  test("of a generation that is not the kernel's is refused", async () => {
    const body = runBody(kernel, "1", { expect_generation: 99 });
    const answer = await sandbox.send("PUT", `/runs/${randomUUID()}`, body);
    expect(answer).toMatchObject({ status: 409, json: { code: "generation_mismatch" } });
  });
});

describe("the queue", () => {
  const held = "input()";

  test("keeps the order and tells each position as it changes", async () => {
    const first = await sandbox.put(kernel, held, { stdin: "ask" });
    const second = await sandbox.put(kernel, "'second'");
    const third = await sandbox.put(kernel, "'third'");
    await sandbox.until(`run=${first}`, (head) => head.msg_type === "input_request");
    expect((await sandbox.send("POST", `/runs/${first}/input`, { value: "go" })).status).toBe(204);
    const last = await sandbox.ended(third);
    expect(last.of("queued").map((head) => head["position"])).toEqual([2, 1]);
    expect(last.finished["status"]).toBe("ok");
    expect((await sandbox.ended(second)).finished.n).toBeLessThan(last.finished.n);
  });

  test("is bounded, and can be declined", async () => {
    const first = await sandbox.put(kernel, held, { stdin: "ask" });
    const busy = await sandbox.send(
      "PUT",
      `/runs/${randomUUID()}`,
      runBody(kernel, "1", { queue: false }),
    );
    expect(busy).toMatchObject({ status: 409, json: { code: "kernel_busy" } });
    const waiting = await Promise.all(
      Array.from({ length: 64 }, () => sandbox.put(kernel, "1", { stop_on_error: true })),
    );
    const full = await sandbox.send("PUT", `/runs/${randomUUID()}`, runBody(kernel, "1"));
    expect(full).toMatchObject({ status: 429, json: { code: "queue_full" } });
    await sandbox.send("DELETE", `/runs/${first}`);
    await Promise.all(waiting.slice(0, 5).map((id) => sandbox.ended(id)));
    expect((await sandbox.ended(waiting[63] ?? "")).finished["status"]).toBe("ok");
  });

  test("behind an error is aborted when the run says so", async () => {
    const first = await sandbox.put(kernel, `${held}; 1/0`, { stdin: "ask", stop_on_error: true });
    const second = await sandbox.put(kernel, "1");
    await sandbox.until(`run=${first}`, (head) => head.msg_type === "input_request");
    await sandbox.send("POST", `/runs/${first}/input`, { value: "" });
    const aborted = await sandbox.ended(second);
    expect(aborted.finished).toMatchObject({ status: "cancelled", reason: "aborted" });
    expect(aborted.events).not.toContain("execution_started");
  });

  test("gives up a run that is cancelled in it", async () => {
    const first = await sandbox.put(kernel, held, { stdin: "ask" });
    const second = await sandbox.put(kernel, "1");
    const cancelled = await sandbox.send("DELETE", `/runs/${second}`);
    expect(cancelled).toMatchObject({
      status: 200,
      json: { state: "finished", status: "cancelled" },
    });
    expect((await sandbox.ended(second)).events).toEqual(["queued", "execution_finished"]);
    await sandbox.send("POST", `/runs/${first}/interrupt`, {});
    expect((await sandbox.ended(first)).finished["status"]).toBe("interrupted");
  });
});

describe("input", () => {
  test("is denied at once when the run denies it", async () => {
    const run = await sandbox.execute(kernel, "input()");
    expect(run.of("error")[0]?.content).toMatchObject({ ename: "StdinNotImplementedError" });
  });

  test("comes from the lines given, then ends as a file does", async () => {
    const code = `
lines = [input(), input()]
try:
    input()
except EOFError:
    lines.append('end')
print(lines)`;
    const run = await sandbox.execute(kernel, code, { stdin: ["a", "b"] });
    expect(run.text("stdout")).toBe("['a', 'b', 'end']\n");
    expect(run.of("input_request")).toEqual([]);
  });

  test("is asked for and answered, once each", async () => {
    const id = await sandbox.put(kernel, "name = input('Name? '); name", { stdin: "ask" });
    const request = await sandbox.until(`run=${id}`, (head) => head.msg_type === "input_request");
    expect(request).toMatchObject({ channel: "stdin", content: { prompt: "Name? " } });
    expect((await sandbox.send("GET", `/runs/${id}`)).json).toMatchObject({
      waiting_for_input: true,
    });
    await sandbox.send("POST", `/runs/${id}/input`, { value: "Ada" });
    expect((await sandbox.ended(id)).of("execute_result")[0]?.content).toMatchObject({
      data: { "text/plain": "'Ada'" },
    });
    const late = await sandbox.send("POST", `/runs/${id}/input`, { value: "x" });
    expect(late).toMatchObject({ status: 409, json: { code: "execution_finished" } });
  });

  test("that nobody asked for is refused", async () => {
    const id = await sandbox.put(kernel, "import time; time.sleep(60)");
    const answer = await sandbox.send("POST", `/runs/${id}/input`, { value: "x" });
    expect(answer).toMatchObject({ status: 409, json: { code: "not_waiting_for_input" } });
    await sandbox.send("DELETE", `/runs/${id}`);
    await sandbox.ended(id);
  });
});

describe("an end from outside", () => {
  test("by interrupt keeps the state", async () => {
    const id = await sandbox.put(kernel, "kept = 1\nwhile True: pass");
    await sandbox.send("POST", `/runs/${id}/interrupt`, {});
    expect((await sandbox.ended(id)).finished).toMatchObject({
      status: "interrupted",
      state: "kept",
    });
  });

  test("is told from a KeyboardInterrupt that the code raised itself", async () => {
    const run = await sandbox.execute(kernel, "raise KeyboardInterrupt");
    expect(run.finished["status"]).toBe("error");
  });

  test("by cancellation is an interrupt, and a kill after the grace", async () => {
    const gentle = await sandbox.put(kernel, "import time\nwhile True: time.sleep(1)");
    await sandbox.send("DELETE", `/runs/${gentle}`);
    expect((await sandbox.ended(gentle)).finished).toMatchObject({
      status: "cancelled",
      reason: "cancelled",
      state: "kept",
    });
    const code = `
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
print('deaf', flush=True)
while True: pass`;
    const deaf = await sandbox.put(kernel, code, { grace_s: 0.3 });
    await sandbox.until(`run=${deaf}`, (head) => head.msg_type === "stream");
    await sandbox.send("DELETE", `/runs/${deaf}`);
    expect((await sandbox.ended(deaf)).finished).toMatchObject({
      status: "cancelled",
      reason: "cancelled",
      state: "lost",
    });
  });

  test("by deadline is an interrupt when the code heeds it", async () => {
    const run = await sandbox.execute(kernel, "import time; time.sleep(60)", { timeout_s: 0.5 });
    expect(run.of("deadline").map((head) => head["step"])).toEqual(["interrupt"]);
    expect(run.finished).toMatchObject({ status: "timed_out", state: "kept", reason: "deadline" });
  });

  test("by deadline takes along what the run has started and left, and nothing older", async () => {
    const start = (name: string): string => `
import signal, subprocess
${name} = subprocess.Popen(["sleep", "1000"], preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))`;
    await sandbox.execute(kernel, start("older"));
    // The kernel tells start times in ticks of 10 ms.
    await sandbox.execute(kernel, "import time; time.sleep(0.05)");
    const run = await sandbox.execute(kernel, `${start("ours")}\nimport time; time.sleep(60)`, {
      timeout_s: 0.5,
    });
    expect(run.finished).toMatchObject({ status: "timed_out", state: "kept" });
    const after = await sandbox.execute(kernel, "ours.wait(), older.poll()");
    expect(after.of("execute_result")[0]?.content?.["data"]).toEqual({
      "text/plain": "(-9, None)",
    });
    await sandbox.execute(kernel, "older.kill()");
  });

  test("by deadline kills a kernel that does not heed it, and the next run is fresh", async () => {
    const code = `
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
while True: pass`;
    const id = await sandbox.put(kernel, code, { timeout_s: 0.5, grace_s: 0.3 });
    const next = await sandbox.put(kernel, "'alive'");
    const run = await sandbox.ended(id);
    expect(run.of("deadline").map((head) => head["step"])).toEqual(["interrupt", "kill"]);
    expect(run.finished).toMatchObject({ status: "timed_out", state: "lost", reason: "deadline" });
    const after = await sandbox.ended(next);
    expect(after.of("execution_started")[0]).toMatchObject({ state: "fresh" });
    expect(after.finished["status"]).toBe("ok");
  });

  test("by deadline leaves no child running, whatever the children think of signals", async () => {
    const code = `
import signal, subprocess
signal.signal(signal.SIGINT, signal.SIG_IGN)
for n in range(3): subprocess.Popen(["sleep", "4321"])
subprocess.Popen("trap '' INT TERM HUP; sleep 4321; sleep 4321", shell=True)
subprocess.run(["sleep", "4321"])`;
    const run = await sandbox.execute(kernel, code, { timeout_s: 1, grace_s: 0.3 });
    expect(run.finished).toMatchObject({ status: "timed_out", state: "lost", reason: "deadline" });
    const commands = (): Promise<string> =>
      sandbox.exec("0", "sh", "-c", "cat /proc/[0-9]*/cmdline || true");
    await expect.poll(commands).not.toContain("4321");
    expect((await sandbox.execute(kernel, "'alive'")).finished["status"]).toBe("ok");
  });
});

describe("requests beside runs", () => {
  test("are answered by the kernel", async () => {
    const answer = await sandbox.send("POST", `/kernels/${kernel}/request`, {
      msg_type: "complete_request",
      content: { code: "pri", cursor_pos: 3 },
      timeout_s: 10,
    });
    expect(answer).toMatchObject({ status: 200, json: { msg_type: "complete_reply" } });
    expect(JSON.stringify(answer.json)).toContain("print");
  });

  test("time out while the kernel is at work, and cannot execute", async () => {
    const id = await sandbox.put(kernel, "import time; time.sleep(60)");
    const path = `/kernels/${kernel}/request`;
    const slow = { msg_type: "complete_request", content: { code: "a", cursor_pos: 1 } };
    const answer = await sandbox.send("POST", path, { ...slow, timeout_s: 0.2 });
    expect(answer).toMatchObject({ status: 504, json: { code: "kernel_timeout" } });
    await sandbox.send("DELETE", `/runs/${id}`);
    await sandbox.ended(id);
    const execute = { msg_type: "execute_request", content: { code: "1" }, timeout_s: 1 };
    expect(await sandbox.send("POST", path, execute)).toMatchObject({ status: 400 });
  });
});
