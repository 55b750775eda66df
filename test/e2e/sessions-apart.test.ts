import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";
import { missingProtections } from "./protections.js";
import { runtime } from "./runtime.js";
import { killSandbox, leftOf } from "./sandboxes.js";

let gateway: GatewayProcess;
beforeAll(
  async () => (gateway = await startGatewayProcess({ env: { HOTCELL_MAX_SESSIONS: "25" } })),
);
afterAll(async () => gateway.close());

describe("two sessions", () => {
  let one: string;
  let other: string;
  beforeAll(async () => {
    [one, other] = await Promise.all([
      gateway.session({ env: { SECRET: "of one" } }),
      gateway.session(),
    ]);
  });

  it("share no variables", async () => {
    await gateway.execute(one, "secret = 42");
    expect((await gateway.execute(other, "'secret' in globals()")).text).toBe("False");
  });

  it("share no environment", async () => {
    expect((await gateway.execute(one, "import os; os.environ['SECRET']")).text).toBe("'of one'");
    expect((await gateway.execute(other, "import os; 'SECRET' in os.environ")).text).toBe("False");
  });

  it("share no files, in the workspace, /tmp and /dev/shm", async () => {
    for (const directory of ["/workspace", "/tmp", "/dev/shm"]) {
      await gateway.execute(one, `open('${directory}/mark', 'w').write('x')`);
      expect(
        (await gateway.execute(other, `import os; os.path.exists('${directory}/mark')`)).text,
      ).toBe("False");
    }
  });

  it("see no processes of each other, and none of the host", async () => {
    await gateway.execute(one, "import subprocess; p = subprocess.Popen(['sleep', '12345'])");
    const seen = await gateway.execute(
      other,
      "import glob\n[open(f).read() for f in glob.glob('/proc/[0-9]*/comm')]",
    );
    expect(seen.text).not.toContain("sleep");
    expect(seen.text).not.toContain("dockerd");
  });

  it("have no network but themselves", async () => {
    const code = [
      "import socket, os",
      "print([line.split(':')[0].strip() for line in open('/proc/net/dev') if ':' in line])",
      "try: socket.create_connection(('169.254.169.254', 80), 2)",
      "except OSError as error: print('refused', error.errno)",
    ].join("\n");
    expect((await gateway.execute(other, code)).text).toMatch(/\['lo'\]\nrefused \d+/);
  });

  it("have user ids of their own where they could meet, and a name", async () => {
    const who =
      "import os, getpass, subprocess; (os.getuid(), subprocess.run(['whoami'], capture_output=True, text=True).stdout.strip())";
    const [first, second] = await Promise.all([
      gateway.execute(one, who),
      gateway.execute(other, who),
    ]);
    expect(first.text).toMatch(/^\(\d+, 'user'\)$/);
    // Without an engine each is in a user namespace that holds one id, which it sees as this one.
    if (runtime === "local")
      expect([first.text, second.text]).toEqual(Array(2).fill("(1000, 'user')"));
    else expect(first.text).not.toBe(second.text);
  });

  it("cannot reach kerneld's key, socket, journal or process", async () => {
    const ofProcess = [
      "attempt(lambda: open('/proc/1/environ', 'rb').read())",
      "attempt(lambda: open('/proc/1/mem', 'rb').read(1))",
      "attempt(lambda: os.kill(1, 9))",
      "import resource",
      "attempt(lambda: resource.prlimit(1, resource.RLIMIT_NOFILE, (10, 10)))",
    ];
    const code = [
      "import os, glob",
      "def attempt(what):",
      "    try: what(); print('reached')",
      "    except OSError as error: print('refused')",
      "attempt(lambda: os.listdir('/run/kerneld') or os.stat('/run/kerneld/link'))",
      "attempt(lambda: os.listdir('/run/kerneld/link'))",
      "import socket",
      "attempt(lambda: socket.socket(socket.AF_UNIX).connect('/run/kerneld/link/gateway.sock'))",
      // Without an engine kerneld is in another PID namespace, and there is no process to try it on.
      ...(runtime === "docker" ? ofProcess : []),
      "print('process', *{open(f).read().strip() for f in glob.glob('/proc/[0-9]*/comm')})",
      "print(open('/proc/self/status').read())",
    ].join("\n");
    const { text } = await gateway.execute(one, code);
    expect(text.match(/refused/g)).toHaveLength(runtime === "docker" ? 7 : 3);
    expect(text).not.toContain("reached");
    if (runtime === "local") expect(text).not.toMatch(/^process.*kerneld/m);
    expect(text).toMatch(/CapEff:\t0{16}/);
    expect(text).toMatch(/CapBnd:\t0{16}/);
    expect(text).toMatch(/NoNewPrivs:\t1/);
    expect(text).toMatch(/Seccomp:\t2/);
  });
});

describe("twenty sessions at once", () => {
  it("start, answer with what is theirs, draw, and end without a trace", async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `s${index}`);
    const answers = await Promise.all(
      ids.map(async (id, index) => {
        const made = await gateway.call("PUT", `/v1/sessions/${id}`, {});
        expect(made.status).toBe(201);
        await gateway.execute(id, `mine = ${index}`);
        return gateway.execute(
          id,
          "import matplotlib.pyplot as plt\nplt.plot([mine]); plt.show()\nmine",
        );
      }),
    );
    expect(answers.map((answer) => answer.outputs.at(-1))).toEqual(
      ids.map(
        (_, index) => expect.objectContaining({ data: { "text/plain": String(index) } }) as unknown,
      ),
    );
    expect(answers.every((answer) => answer.images.length === 1)).toBe(true);
    const before = (await leftOf(gateway.home)).length;
    await Promise.all(ids.map((id) => gateway.call("DELETE", `/v1/sessions/${id}`)));
    expect((await leftOf(gateway.home)).length).toBe(before - 20);
  });
});

describe("a session's lifetime", () => {
  it("ends it when idle, with its sandbox", async () => {
    const id = await gateway.session({ lifetime: { idle_s: 1 } });
    await expect
      .poll(async () => (await gateway.call("GET", `/v1/sessions/${id}`)).status, {
        timeout: 15_000,
        interval: 250,
      })
      .toBe(410);
    await expect
      .poll(async () =>
        (
          (await (await gateway.call("GET", "/v1/sessions")).json()) as {
            sessions: { id: string }[];
          }
        ).sessions.map((s) => s.id),
      )
      .not.toContain(id);
  });

  it("ends with its sandbox, when something ends that from outside", async () => {
    const id = await gateway.session();
    const { sandbox_id } = (await (await gateway.call("GET", `/v1/sessions/${id}`)).json()) as {
      sandbox_id: string;
    };
    const running = gateway.events(id, "import time; time.sleep(60)");
    await expect
      .poll(async () => {
        const response = await gateway.call("GET", `/v1/sessions/${id}/executions`);
        return ((await response.json()) as { executions: unknown[] }).executions.length;
      })
      .toBe(1);
    await killSandbox(gateway.home, sandbox_id);
    expect((await running).at(-1)).toMatchObject({
      status: "kernel_died",
      reason: "sandbox_lost",
      state: "lost",
    });
    expect((await gateway.call("POST", `/v1/sessions/${id}/execute`, { code: "1" })).status).toBe(
      410,
    );
  });
});

describe("limits", () => {
  it("are in force as asked for, or refused", async () => {
    const limits = { memory_bytes: 512 * 1024 ** 2, pids: 64, disk_bytes: 32 * 1024 ** 2 };
    const missing = await missingProtections(gateway, await gateway.session());
    for (const [limit, protection] of [
      ["memory_bytes", "memory_limit"],
      ["pids", "pids_limit"],
    ] as const) {
      if (!missing.includes(protection)) continue;
      const refused = await gateway.call("POST", "/v1/sessions", {
        limits: { [limit]: limits[limit] },
      });
      expect(await refused.json()).toMatchObject({ status: 422, code: "limit_not_enforceable" });
      Reflect.deleteProperty(limits, limit);
    }
    const id = await gateway.session({ limits });
    const session = (await (await gateway.call("GET", `/v1/sessions/${id}`)).json()) as {
      limits: object;
    };
    expect(session.limits).toMatchObject(limits);
    if (!missing.includes("memory_limit"))
      expect((await gateway.execute(id, "x = bytearray(600 * 1024**2)")).reason).toBe("oom");
    const full = await gateway.execute(
      id,
      "open('/workspace/big', 'wb').write(b'x' * 40 * 1024**2)",
    );
    expect(full.text).toContain("No space left on device");
  });

  it("are refused when they cannot be", async () => {
    const refused = await gateway.call("POST", "/v1/sessions", {
      limits: { memory_bytes: 256 * 1024 ** 2, disk_bytes: 1024 ** 3 },
    });
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({ code: "limit_not_enforceable" });
  });

  it("of isolation are met, or refused where no other kernel can be put in between", async () => {
    const answer = await gateway.call("POST", "/v1/sessions", { isolation: "strong" });
    const session = (await answer.json()) as { id: string };
    if (runtime === "local" || process.env["HOTCELL_TEST_RUNSC"] === undefined) {
      expect(session).toMatchObject({ status: 422, code: "isolation_unavailable" });
      return;
    }
    expect(session).toMatchObject({
      isolation: {
        tier: "strong",
        protections: expect.arrayContaining(["guest_kernel"]) as unknown,
      },
    });
    expect((await gateway.execute(session.id, "print(6 * 7)")).text).toBe("42\n");
  });
});
