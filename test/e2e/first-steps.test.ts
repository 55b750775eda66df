import { exec } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readEvents } from "../http/event-stream.js";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";
import { runtime } from "./runtime.js";
import { leftOf } from "./sandboxes.js";

/** What a sandbox has at the least; one that is forked shares most of its memory with the others. */
const IDLE_BYTES = { docker: 10 * 1024 ** 2, local: 1024 ** 2 };

describe("a newcomer's first steps", () => {
  let gateway: GatewayProcess;
  beforeAll(async () => (gateway = await startGatewayProcess()));
  afterAll(async () => gateway.close());

  it("find a curl line that works as printed", async () => {
    const line = gateway.printed
      .split("\n")
      .find((candidate) => candidate.trim().startsWith("curl"));
    const { stdout } = await promisify(exec)(line ?? "false");
    expect(JSON.parse(stdout)).toMatchObject({
      session_id: "demo",
      status: "ok",
      text: "3.141592653589793",
    });
  });

  it("find a key that only the owner can read, the same at every start", async () => {
    expect((await stat(join(gateway.home, "key"))).mode & 0o777).toBe(0o600);
    expect((await stat(gateway.home)).mode & 0o777).toBe(0o700);
    expect(gateway.printed).toContain(`/?token=${gateway.key}`);
  });

  it("see the session, with what is in force", async () => {
    const session = (await (await gateway.call("GET", "/v1/sessions/demo")).json()) as {
      isolation: { missing: { name: string }[] };
      usage: { memory_bytes: number };
    };
    const missing = session.isolation.missing.map(({ name }) => name);
    expect(session).toMatchObject({
      state: "running",
      limits: {
        memory_bytes: missing.includes("memory_limit") ? null : 2 * 1024 ** 3,
        pids: missing.includes("pids_limit") ? null : 256,
        disk_bytes: 1024 ** 3,
      },
      isolation: {
        tier: "standard",
        protections: expect.arrayContaining([
          "no_network",
          "read_only_root",
          "seccomp",
          "separate_supervisor",
        ]) as string[],
      },
      kernels: [
        { language: "python", language_version: expect.stringMatching(/^3\.13/) as string },
      ],
    });
    expect(session.usage.memory_bytes).toBeGreaterThan(IDLE_BYTES[runtime]);
  });

  it("keep their state from one call to the next", async () => {
    const call = async (code: string) =>
      (await (await gateway.call("POST", "/v1/execute", { session: "thread", code })).json()) as {
        text: string;
      };
    await call("x = 20\nimport math");
    expect((await call("x + math.floor(22.9)")).text).toBe("42");
  });

  it("are logged without keys and without code", async () => {
    await gateway.call("POST", "/v1/execute", {
      session: "demo",
      code: "secret_marker_in_code = 1",
    });
    await gateway.call("GET", `/v1/sessions?token=${gateway.key}`);
    expect(gateway.logged()).toContain('"route":"/v1/execute"');
    expect(gateway.logged()).not.toContain(gateway.key);
    expect(gateway.logged()).not.toContain("secret_marker_in_code");
  });

  it("cannot start a second gateway on the same home", async () => {
    await expect(startGatewayProcess({ home: gateway.home })).rejects.toThrow(
      /Another gateway runs/,
    );
  });

  it("end with nothing left, and running streams end cleanly first", async () => {
    const response = await gateway.call(
      "POST",
      "/v1/sessions/demo/execute",
      { code: "print('begun', flush=True)\nimport time; time.sleep(60)" },
      { accept: "text/event-stream" },
    );
    const events = readEvents(response);
    await events.next();
    await events.next();
    const code = gateway.stop("SIGTERM");
    const rest = [];
    for await (const event of events) rest.push(event);
    expect(rest.at(-1)).toMatchObject({
      type: "execution_finished",
      status: "cancelled",
      reason: "gateway_stopped",
      state: "lost",
    });
    expect(await code).toBe(0);
    expect(await leftOf(gateway.home)).toEqual([]);
    expect(await readdir(join(gateway.home, "links"))).toEqual([]);
    expect(await readdir(join(gateway.home, "sessions"))).toEqual([]);
    expect(existsSync(join(gateway.home, "gateway.sock"))).toBe(false);
  });
});

describe("a gateway that was killed", () => {
  it("leaves its sessions to the next one of its home, and to no other", async () => {
    const neighbour = await startGatewayProcess();
    const killed = await startGatewayProcess();
    let next: GatewayProcess | undefined;
    try {
      const kept = await neighbour.session();
      const left = await killed.session();
      await killed.stop("SIGKILL");
      expect(await leftOf(killed.home)).toHaveLength(1);
      next = await startGatewayProcess({ home: killed.home });
      expect(next.key).toBe(killed.key);
      expect((await next.execute(left, "6 * 7")).text).toBe("42");
      expect((await neighbour.execute(kept, "1 + 1")).text).toBe("2");
      expect((await neighbour.call("GET", `/v1/sessions/${left}`)).status).toBe(404);
      await next.stop();
      expect(await leftOf(killed.home)).toEqual([]);
    } finally {
      await next?.close();
      await killed.close();
      await neighbour.close();
    }
  });
});

describe.runIf(runtime === "local")("where no engine answers", () => {
  it("the gateway takes its own sandboxes, and says so", async () => {
    const gateway = await startGatewayProcess({
      env: { HOTCELL_RUNTIME: "auto", DOCKER_HOST: "unix:///nowhere.sock" },
    });
    try {
      expect(gateway.printed).toContain("(local");
      expect((await gateway.execute(await gateway.session(), "6 * 7")).text).toBe("42");
    } finally {
      await gateway.close();
    }
  });
});

describe("settings", () => {
  it.each([
    [{ HOTCELL_PORTS: "1" }, "HOTCELL_PORTS"],
    [{ HOTCELL_PORT: "many" }, "HOTCELL_PORT"],
    [{ HOTCELL_MAX_SESSIONS: "0" }, "HOTCELL_MAX_SESSIONS"],
    [{ HOTCELL_HOST: "0.0.0.0" }, "HOTCELL_API_KEY"],
    [{ HOTCELL_RUNTIME: "kubernetes" }, "HOTCELL_RUNTIME"],
    [{ HOTCELL_RUNTIME: "docker", DOCKER_HOST: "unix:///nowhere.sock" }, "/nowhere.sock"],
  ])("that cannot be used stop the start and name themselves: %j", async (env, named) => {
    await expect(startGatewayProcess({ env })).rejects.toThrow(named);
  });

  it("limit the sessions, and take a key from the environment", async () => {
    const gateway = await startGatewayProcess({
      env: { HOTCELL_MAX_SESSIONS: "1", HOTCELL_API_KEY: "a-key-of-the-operator" },
    });
    try {
      expect(gateway.printed).not.toContain("a-key-of-the-operator");
      // The playground, which asks for it.
      expect(gateway.printed).toMatch(/Open +http:\S+:\d+\/\n/);
      await gateway.session();
      const refused = await gateway.call("POST", "/v1/sessions", {});
      expect(refused.status).toBe(429);
      expect(await refused.json()).toMatchObject({ code: "session_limit" });
    } finally {
      await gateway.close();
    }
  });
});
