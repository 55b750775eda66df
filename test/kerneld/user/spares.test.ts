import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openUserSide, python, type UserSide, valueOf } from "./user-side.js";

let side: UserSide;
let zygote: number;
beforeAll(async () => {
  side = await openUserSide();
  const { pid } = await side.start("first");
  const status = (await side.call("status", { pid })) as Record<string, string>;
  zygote = Number(status["PPid"]);
});
afterAll(async () => side.close());

async function proc(pid: number, name: string): Promise<string> {
  return (await side.call("proc", { pid, name })) as string;
}

async function children(): Promise<number[]> {
  const text = await proc(zygote, `task/${zygote}/children`);
  return text.split(" ").filter(Boolean).map(Number);
}

/** A spare kernel that waits for its claim. */
async function prepare(): Promise<number> {
  const before = await children();
  await side.call("send_raw", { text: '{"op":"prepare"}' });
  let spare: number | undefined;
  await expect
    .poll(async () => {
      spare = (await children()).find((pid) => !before.includes(pid));
      return spare !== undefined && (await proc(spare, "oom_score_adj")).trim();
    })
    .toBe("1000");
  return spare ?? 0;
}

const value = async (name: string, code: string) => valueOf(await side.execute(name, code));

describe("a kernel that was prepared", () => {
  it("is the next one that is asked for, in its directory and with its variables", async () => {
    const spare = await prepare();
    const started = await side.start("claimed", { env: { COLOUR: "blue" }, cwd: "there" });
    expect(started).toMatchObject({ ok: true, ready: true, pid: spare });
    const code = "import os; os.getpid(), os.environ['COLOUR'], os.getcwd()";
    expect(await value("claimed", code)).toBe(`(${spare}, 'blue', '/workspace/there')`);
    expect((await proc(spare, "oom_score_adj")).trim()).toBe(
      (await proc((await side.start("fresh")).pid, "oom_score_adj")).trim(),
    );
  });

  it("is one, however often it is asked for", async () => {
    const spare = await prepare();
    await side.call("send_raw", { text: '{"op":"prepare"}' });
    await side.call("control", { message: { op: "ping" } });
    const all = await children();
    expect(await side.start("only")).toMatchObject({ pid: spare });
    expect(await children()).toEqual(all);
  });

  it("takes the place of an interpreter that has left its sockets", async () => {
    const { pid } = await side.start("again");
    await side.execute("again", "import os; os._exit(0)", { until_death: true });
    await side.exited(pid);
    await side.call("reap", { pid });
    const spare = await prepare();
    expect(await side.start("again")).toMatchObject({ ready: true, pid: spare });
    expect(await value("again", "6 * 7")).toBe("42");
  });

  it.each([
    ["stopped", "SIGSTOP"],
    ["killed", "SIGKILL"],
  ])("and %s by user code is replaced by a fresh one", async (how, signal) => {
    const spare = await prepare();
    await value("first", `import os, signal; os.kill(${spare}, signal.${signal})`);
    const started = await side.start(how);
    expect(started).toMatchObject({ ok: true, ready: true });
    expect(started.pid).not.toBe(spare);
    expect(await value(how, "6 * 7")).toBe("42");
    await expect.poll(children).not.toContain(spare);
  });

  it("and cannot take its place is replaced by a fresh one", async () => {
    const spare = await prepare();
    await value(
      "first",
      python`
        import os, shutil
        [shutil.rmtree(f"/run/kernels/{n}") for n in os.listdir("/run/kernels") if "spare" in n]`,
    );
    const started = await side.start("elsewhere");
    expect(started).toMatchObject({ ok: true, ready: true });
    expect(started.pid).not.toBe(spare);
    expect(await value("elsewhere", "6 * 7")).toBe("42");
  });

  it("shares no socket and no pipe with another kernel, neither earlier nor later ones", async () => {
    const spare = await prepare();
    const { pid: claimed } = await side.start("claimed-before");
    expect(claimed).toBe(spare);
    const later = await prepare();
    const code = python`
      import os
      def links(pid):
          names = [f"/proc/{pid}/fd/{n}" for n in os.listdir(f"/proc/{pid}/fd")]
          return {os.readlink(name) for name in names if os.path.lexists(name)}
      console = os.readlink(f"/proc/{os.getppid()}/fd/2")
      shared = links(${String(later)}) & (links(os.getpid()) | links(${String(claimed)}))
      [name for name in shared if name.startswith(("socket:", "pipe:")) and name != console]`;
    expect(await value("first", code)).toBe("[]");
  });
});
