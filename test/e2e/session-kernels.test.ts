import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Session } from "../../src/client/index.js";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";

describe("a session's kernels", () => {
  let gateway: GatewayProcess;
  let session: Session;

  beforeAll(async () => {
    gateway = await startGatewayProcess();
    session = await gateway.client.session({ env: { SHARED: "of the session" } });
  });
  afterAll(async () => gateway.close());

  const text = async (code: string, kernel?: string): Promise<string> =>
    (await session.run(code, kernel === undefined ? {} : { kernel })).text;

  it("have a namespace each, and the session's files together", async () => {
    await session.run("x = 'of the default one'\nopen('shared.txt', 'w').write('from the first')");
    const { id, ...made } = await session.kernels.create({ language: "python", name: "second" });
    expect(made).toMatchObject({
      ...{ name: "second", language: "python", execution_state: "idle", generation: 1 },
      ...{ execution_count: 0, last_death: null },
    });
    expect(await text("'x' in globals(), open('shared.txt').read()", id)).toBe(
      "(False, 'from the first')",
    );
    await session.run("x = 'of the second'", { kernel: id });
    expect(await text("x")).toBe("'of the default one'");
    const [first, second, ...more] = await session.kernels.list();
    expect([second?.id, second?.execution_count, more]).toEqual([id, 2, []]);
    expect(await session.kernels.get(id)).toEqual(second);
    expect((await session.run("1", { language: "python" })).kernel_id).toBe(first?.id);
    await session.kernels.delete(id);
    expect(await session.kernels.list()).toHaveLength(1);
    await expect(session.run("1", { kernel: id })).rejects.toMatchObject({
      code: "kernel_not_found",
    });
  });

  it("keep the directory and the variables they were made with, through restarts", async () => {
    const env = { OWN: "of the kernel" };
    const { id } = await session.kernels.create({ language: "python", cwd: "made/for/it", env });
    const code = "import os; [os.getcwd(), os.environ['OWN'], os.environ['SHARED']]";
    const there = "['/workspace/made/for/it', 'of the kernel', 'of the session']";
    expect(await text(code, id)).toBe(there);
    expect(await session.kernels.restart(id)).toMatchObject({ generation: 2 });
    expect(await text(code, id)).toContain(there);
    const died = await session.run("import os; os._exit(1)", { kernel: id });
    expect(died).toMatchObject({ status: "kernel_died", state: "lost" });
    expect(await text(code, id)).toContain(there);
    expect(await text("import os; 'OWN' in os.environ, os.getcwd()")).toBe("(False, '/workspace')");
    await session.kernels.delete(id);
  });

  it("have variables and a directory for one run, of which the source knows nothing", async () => {
    const here = { env: { ONCE: "only now" }, cwd: "of-a-run" };
    const failing = await session.run("import os\n\nos.environ['ONCE'] + os.getcwd() + 1", here);
    expect(failing.text).toMatch(/-> 3 os\.environ\['ONCE'\]|line 3/);
    const bash = await session.run("%%bash\necho $ONCE in $(basename $PWD)", here);
    expect(bash.text).toBe("only now in of-a-run\n");
    const timed = await session.run("%%time\nimport os\nprint(os.environ['ONCE'])", here);
    expect(timed.text).toMatch(/^only now\nCPU times/);
    expect(await text("os.environ.get('ONCE'), os.getcwd()")).toBe("(None, '/workspace')");
  });

  it("tell what they have executed", async () => {
    const { id } = await session.kernels.create({ language: "python" });
    for (const code of ["%matplotlib inline", "answer = 6 * 7", "answer", "answer = 6 * 7"]) {
      await session.run(code, { kernel: id });
    }
    await session.run("'not kept'", { kernel: id, store_history: false });
    const { kernels } = session;
    expect((await kernels.history(id)).history.map(({ line, input }) => [line, input])).toEqual([
      [1, "%matplotlib inline"],
      [2, "answer = 6 * 7"],
      [3, "answer"],
      [4, "answer = 6 * 7"],
    ]);
    const range = { hist_access_type: "range", start: 3, stop: 4, output: true } as const;
    expect(await kernels.history(id, range)).toEqual({
      status: "ok",
      history: [{ session: 0, line: 3, input: "answer", output: "42" }],
    });
    expect((await kernels.history(id, { n: 2, output: true })).history).toMatchObject([
      { input: "answer", output: "42" },
      { input: "answer = 6 * 7", output: null },
    ]);
    const search = { hist_access_type: "search", pattern: "answer =*", unique: true } as const;
    expect((await kernels.history(id, search)).history).toMatchObject([
      { input: "answer = 6 * 7" },
    ]);
    const rewritten = await kernels.history(id, { ...range, start: 1, stop: 2, raw: false });
    expect(rewritten.history[0]?.input).toContain("run_line_magic");
    await kernels.restart(id);
    expect((await kernels.history(id)).history).toEqual([]);
    await kernels.delete(id);
  });

  it("answer within bounds, however much there would be to say", async () => {
    await session.run("class Wide: pass\nfor i in range(150_000): setattr(Wide, f'name_{i}', i)");
    expect((await session.complete("Wide.name_")).matches.length).toBeGreaterThan(1_000);
    await session.run(`wide = '${"é".repeat(900_000)}'`);
    await session.run("'the last one'");
    const [kernel] = await session.kernels.list();
    const { history } = await session.kernels.history(kernel?.id ?? "");
    expect(history.at(-1)).toMatchObject({ input: "'the last one'" });
    expect(await text("6 * 7")).toBe("42");
  });

  it("end what runs and waits in them when they are removed", async () => {
    const { id } = await session.kernels.create({ language: "python" });
    const events = session.stream("print('on', flush=True)\nimport time; time.sleep(60)", {
      kernel: id,
    });
    let last: unknown;
    let waiting: Promise<unknown> | undefined;
    for await (const event of events) {
      last = event;
      if (event.type !== "stream") continue;
      const queued = session.stream("1", { kernel: id });
      await queued.accepted();
      waiting = queued.result();
      await session.kernels.delete(id);
    }
    const removed = { status: "cancelled", reason: "kernel_removed" };
    expect(last).toMatchObject({ type: "execution_finished", ...removed });
    expect(await waiting).toMatchObject(removed);
  });

  it("are refused with the reason and the field", async () => {
    const made = (options: object) => session.kernels.create({ language: "python", ...options });
    await expect(made({ language: "cobol" })).rejects.toMatchObject({
      ...{ code: "language_unavailable", status: 422, message: "available: python" },
    });
    await session.files.put("a-file", "");
    for (const cwd of ["a-file", "/proc/none"]) {
      const refused = { code: "invalid_path", status: 422, errors: [{ path: "cwd" }] };
      await expect(made({ cwd })).rejects.toMatchObject(refused);
    }
    const env = Object.fromEntries([1, 2, 3].map((n) => [`LARGE_${n}`, "x".repeat(32_000)]));
    await expect(made({ env })).rejects.toMatchObject({
      ...{ code: "invalid_request", status: 400, errors: [{ path: "env" }] },
    });
    expect(await session.kernels.list()).toHaveLength(1);
  });

  it("are none at first where that is asked for, and several where several are", async () => {
    await using none = await gateway.client.session({ kernels: [] });
    expect(await none.kernels.list()).toEqual([]);
    expect((await none.run("6 * 7")).text).toBe("42");
    expect(await none.kernels.list()).toHaveLength(1);
    await using several = await gateway.client.session({ kernels: ["python", "python"] });
    const [one, two] = await several.kernels.list();
    await several.run("x = 1", { kernel: one?.id });
    expect((await several.run("'x' in globals()", { kernel: two?.id })).text).toBe("False");
  });

  it("are limited in number", async () => {
    await using many = await gateway.client.session({ limits: { memory_bytes: 2 ** 30 } });
    for (let number = 1; number < 16; number += 1) {
      await many.kernels.create({ language: "python" });
    }
    await expect(many.kernels.create({ language: "python" })).rejects.toMatchObject({
      ...{ code: "kernel_limit", status: 422 },
    });
  });

  it("are made ahead when one was asked for: the next interpreter is there already", async () => {
    const { id } = await session.kernels.create({ language: "python" });
    // The one that nobody has asked for yet is the first to die when memory runs out.
    const find = `
import os
def score(pid):
    try: return open(f"/proc/{pid}/oom_score_adj").read().strip()
    except OSError: return ""
[int(pid) for pid in os.listdir("/proc") if pid.isdigit() and score(pid) == "1000"]`;
    let ahead = "";
    await expect.poll(async () => (ahead = await text(find))).toMatch(/^\[\d+\]$/);
    await session.kernels.restart(id);
    const [own] = (await text("import os; os.getpid()", id)).split("\n").slice(-1);
    expect(`[${own ?? ""}]`).toBe(ahead);
    await session.kernels.delete(id);
  });
});
