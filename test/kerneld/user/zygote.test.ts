import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openUserSide, python, type UserSide, valueOf } from "./user-side.js";

let side: UserSide;
beforeAll(async () => {
  side = await openUserSide();
});
afterAll(async () => side.close());

const value = async (name: string, code: string) => valueOf(await side.execute(name, code));
const status = async (pid: number) =>
  (await side.call("status", { pid })) as Record<string, string>;

describe("the two sides", () => {
  it("have their own uids, and the user side no privilege at all", async () => {
    const { pid } = await side.start("a");
    const kernel = await status(pid);
    expect(kernel["Uid"]).toBe("790001\t790001\t790001\t790001");
    expect(kernel["Gid"]).toBe("790001\t790001\t790001\t790001");
    expect(kernel["Groups"]).toBe("");
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
      expect(kernel[set]).toBe("0000000000000000");
    }
    expect([kernel["NoNewPrivs"], kernel["Seccomp"]]).toEqual(["1", "2"]);
  });

  it("leave PID 1 with CAP_KILL alone and deaf to signals", async () => {
    const kerneld = await status(1);
    expect(kerneld["Uid"]).toBe("790002\t790002\t790002\t790002");
    expect([kerneld["CapEff"], kerneld["CapPrm"], kerneld["CapBnd"]]).toEqual([
      ...["0000000000000020", "0000000000000020", "0000000000000000"],
    ]);
    expect(kerneld["NoNewPrivs"]).toBe("1");
    for (const signal of [1, 2, 3, 10, 12, 13, 14, 15]) {
      const ignored = BigInt(`0x${kerneld["SigIgn"]}`);
      expect((ignored >> BigInt(signal - 1)) & 1n, `signal ${signal}`).toBe(1n);
    }
  });

  it("keep user code from PID 1", async () => {
    const code = python`
      import os, resource, signal
      def attempt(action):
          try: return action()
          except OSError as error: return type(error).__name__
      files = [attempt(lambda: open(f"/proc/1/{name}", "rb").read(1)) for name in ("environ", "maps", "mem")]
      set(files) | {
          attempt(lambda: os.listdir("/proc/1/fd")),
          attempt(lambda: os.kill(1, signal.SIGINT)),
          attempt(lambda: resource.prlimit(1, resource.RLIMIT_NOFILE, (10, 10))),
          attempt(lambda: os.setpriority(os.PRIO_PROCESS, 1, 19))}`;
    expect(await value("a", code)).toBe("{'PermissionError'}");
  });

  it("share no open file but the console, and no variable that is not the image's", async () => {
    await side.start("later");
    const code = python`
      import os
      def links(pid):
          names = [f"/proc/{pid}/fd/{n}" for n in os.listdir(f"/proc/{pid}/fd")]
          return [os.readlink(name) for name in names if os.path.lexists(name)]
      zygote, mine = links(os.getppid()), links("self")
      shared = [name for name in mine if name in zygote and name.startswith(("socket:", "pipe:"))]
      console = os.readlink(f"/proc/{os.getppid()}/fd/2")
      [mine[0], [name for name in shared if name != console], "/etc/hostname" in zygote + mine,
       "SECRET" in open(f"/proc/{os.getppid()}/environ").read(), "SECRET" in os.environ]`;
    for (const name of ["a", "later"]) {
      expect(await value(name, code)).toBe("['/dev/null', [], False, False, False]");
    }
  });
});

describe("a kernel", () => {
  it("is the leader of a session with the image's environment, its own on top", async () => {
    const { pid } = await side.start("env", { env: { COLOUR: "blue", HOME: "/tmp" }, cwd: "sub" });
    const code = python`
      import os
      e = os.environ
      [os.getpid(), os.getsid(0), e["COLOUR"], e["HOME"], os.getcwd(), "HOSTNAME" in e]`;
    expect(await value("env", code)).toBe(
      `[${pid}, ${pid}, 'blue', '/tmp', '/workspace/sub', False]`,
    );
    expect(await value("env", "os.environ['MPLBACKEND']")).toContain("matplotlib_inline");
  });

  it("is told from the others by its randomness", async () => {
    await Promise.all(["r1", "r2"].map(async (name) => side.start(name)));
    const code =
      "import random, numpy, uuid; (random.random(), numpy.random.rand(), uuid.uuid4().hex)";
    expect(await value("r1", code)).not.toBe(await value("r2", code));
  });

  it("dies of memory before the zygote does", async () => {
    const score = async (pid: number) =>
      Number(await side.call("proc", { pid, name: "oom_score_adj" }));
    const { pid } = (await side.start("scored")) as { pid: number };
    const zygote = Number((await status(pid))["PPid"]);
    expect(await score(pid)).toBeGreaterThan(await score(zygote));
    expect(await score(zygote)).toBeGreaterThan(0);
  });

  it("leaves no core, and cannot change that", async () => {
    const code = python`
      import resource
      try: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); said = "set"
      except (OSError, ValueError) as error: said = "refused"
      said, resource.getrlimit(resource.RLIMIT_CORE)`;
    expect(await value("a", code)).toMatch(/^\('refused', \([01], [01]\)\)$/);
  });

  it("finds modules of the directory, and packages that were installed after its start", async () => {
    const code = python`
      import os, site, sys
      first = sys.path[0]
      target = site.getusersitepackages()
      os.makedirs(target, exist_ok=True)
      open(target + "/late_module.py", "w").write("x = 'user'")
      open("here_module.py", "w").write("y = 'here'")
      open(target + "/six_of_them.py", "w").write("z = 6")
      import late_module, here_module
      [first, target, late_module.x, here_module.y,
       sys.path.index(target) < sys.path.index("/usr/lib/python3/dist-packages")]`;
    expect(await value("a", code)).toBe(
      "['', '/workspace/.local/lib/python3.13/site-packages', 'user', 'here', True]",
    );
    const moved = python`
      import site, shutil, os
      os.makedirs("/tmp/base/lib/python3.13/site-packages")
      open("/tmp/base/lib/python3.13/site-packages/later_still.py", "w").write("w = 7")
      import later_still
      later_still.w`;
    await side.start("late", { env: { PYTHONUSERBASE: "/tmp/base" } });
    expect(await value("late", moved)).toBe("7");
  });

  it("of an unknown language, directory or variable is refused with the reason", async () => {
    expect(await side.start("x", { language: "cobol" })).toMatchObject({
      ...{ ok: false, code: "language_unavailable", detail: "available: python" },
    });
    expect(await side.start("x", { cwd: "/etc/passwd" })).toMatchObject({
      ...{
        ok: false,
        code: "invalid_path",
        detail: expect.stringContaining("/etc/passwd") as string,
      },
    });
    expect(await side.start("x", { cwd: "/nowhere/at/all" })).toMatchObject({
      ...{ ok: false, code: "invalid_path" },
    });
    expect(await side.start("x", { env: { "a=b": "" } })).toMatchObject({
      ...{ ok: false, code: "invalid_request" },
    });
  });

  it("that cannot bind ends without having been ready", async () => {
    await side.start("blocked", { connect: false });
    const again = (await side.start("a".repeat(120), { connect: false })) as {
      ready: boolean;
      pid: number;
    };
    expect(again.ready).toBe(false);
    expect(await side.exited(again.pid)).toMatchObject({ exit_code: 1 });
  });
});

describe("the control channel", () => {
  it("answers a ping", async () => {
    expect(await side.call("control", { message: { op: "ping" } })).toMatchObject({ ok: true });
  });

  it("keeps the zombie until it is reaped", async () => {
    const { pid } = await side.start("zombie");
    await side.execute("zombie", "import os; os._exit(3)", { until_death: true });
    await side.exited(pid);
    expect((await status(pid))["State"]).toMatch(/^Z/);
    await side.call("reap", { pid });
    await side.call("control", { message: { op: "ping" } });
    await expect(status(pid)).rejects.toThrow("FileNotFoundError");
  });

  it.each(["not json", "[]", '{"op":"dance","id":1}', '{"op":"kernel","id":1}', '{"op":"reap"}'])(
    "ends the zygote at the malformed message %s",
    async (text) => {
      const other = await openUserSide();
      try {
        await other.call("send_raw", { text });
        expect(await other.call("zygote_ended")).toBe(1);
        expect(await other.call("console")).toContain("kerneld broke the protocol");
      } finally {
        await other.close();
      }
    },
  );
});
