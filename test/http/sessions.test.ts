import { afterEach, describe, expect, it, vi } from "vitest";
import { RuntimeError } from "../../src/runtimes/runtime.js";
import { OTHER_KEY, startTestGateway, type TestGateway } from "./test-gateway.js";

let gateway: TestGateway;
afterEach(async () => {
  vi.useRealTimers();
  await gateway.close();
});

const post = (body?: unknown) => gateway.call("POST", "/v1/sessions", body);
const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;

describe("sessions", () => {
  it("are made with defaults, and show what is in force", async () => {
    gateway = await startTestGateway();
    const response = await post();
    expect(response.status).toBe(201);
    const session = (await response.json()) as Record<string, unknown>;
    expect(session).toMatchObject({
      state: "running",
      image: "python",
      runtime: "docker",
      isolation: { tier: "standard" },
      start: { kind: "cold" },
      kernels: [{ language: "python", execution_state: "idle" }],
      usage: { cpu_ms: 1, memory_bytes: 2, memory_peak_bytes: 3 },
    });
    expect(session["id"]).toMatch(/^ses_[0-9a-z]{26}$/);
    expect(session["sandbox_id"]).toMatch(/^[a-z][a-z0-9]{19}$/);
    expect(response.headers.get("location")).toBe(`/v1/sessions/${String(session["id"])}`);
  });

  it("start no kernel when none is asked for, and one when a language is", async () => {
    gateway = await startTestGateway();
    await post({ id: "s", kernels: [] });
    expect(gateway.double("s").assignment()).toMatchObject({ kernels: [] });
    const run = () =>
      gateway.call("POST", "/v1/sessions/s/execute", { code: "x", language: "python" });
    const answers = await Promise.all([run(), run(), run()]);
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
    expect(gateway.double("s").kernels.size).toBe(1);
  });

  it("have the files they were made with", async () => {
    gateway = await startTestGateway();
    await post({
      id: "s",
      files: [
        { path: "a.txt", content: "text ü" },
        { path: "d/b.bin", content_base64: "AAEC" },
      ],
    });
    const { files } = gateway.double("s");
    expect([...files.keys()].sort()).toEqual(["a.txt", "d/b.bin"]);
    const read = await gateway.call("GET", "/v1/sessions/s/files/d/b.bin");
    expect(Buffer.from(await read.arrayBuffer())).toEqual(Buffer.from([0, 1, 2]));
  });

  it("are found by PUT, and refused when the options differ", async () => {
    gateway = await startTestGateway();
    const put = (body: object) => gateway.call("PUT", "/v1/sessions/s", body);
    const both = await Promise.all([
      put({ env: { A: "1", B: "2" } }),
      put({ env: { B: "2", A: "1" } }),
    ]);
    expect(both.map((response) => response.status).sort()).toEqual([200, 201]);
    expect((await put({ env: { A: "1", B: "2" }, metadata: { other: "is fine" } })).status).toBe(
      200,
    );
    const other = await put({ env: { A: "2" } });
    expect(other.status).toBe(409);
    expect(await codeOf(other)).toBe("session_exists");
    expect(await codeOf(await post({ id: "s" }))).toBe("session_exists");
    expect(gateway.runtime.specifications).toHaveLength(1);
  });

  it("answer 410 with the reason after their end, and can be made again", async () => {
    gateway = await startTestGateway();
    await post({ id: "s" });
    const { sandboxId } = gateway.sessions.get("default", "s");
    expect((await gateway.call("DELETE", "/v1/sessions/s")).status).toBe(204);
    expect(gateway.runtime.destroyed).toEqual([sandboxId]);
    const gone = await gateway.call("GET", "/v1/sessions/s");
    expect(gone.status).toBe(410);
    expect(await gone.json()).toMatchObject({
      code: "session_ended",
      detail: "The session s has ended: session_deleted",
    });
    expect((await gateway.call("DELETE", "/v1/sessions/s")).status).toBe(410);
    expect((await post({ id: "s" })).status).toBe(201);
  });

  it("are refused past the limit, and possible again after an end", async () => {
    gateway = await startTestGateway({ maxSessions: 2 });
    await post({ id: "a" });
    await post({ id: "b" });
    const refused = await post({ id: "c" });
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({
      code: "session_limit",
      detail: expect.stringContaining("2") as string,
    });
    await gateway.call("DELETE", "/v1/sessions/a");
    expect((await post({ id: "c" })).status).toBe(201);
  });

  it("end when they are idle, and not while something runs", async () => {
    gateway = await startTestGateway({
      onRun: async (_run, emit) => {
        await new Promise((resolve) => emit.signal.addEventListener("abort", resolve));
        return { status: "interrupted" };
      },
    });
    await post({ id: "quiet", lifetime: { idle_s: 0.3 } });
    await post({ id: "busy", lifetime: { idle_s: 0.3 } });
    await gateway.call(
      "POST",
      "/v1/sessions/busy/execute",
      { code: "x", execution_id: "e" },
      { prefer: "respond-async" },
    );
    const status = async (id: string) => (await gateway.call("GET", `/v1/sessions/${id}`)).status;
    await expect.poll(() => status("quiet")).toBe(410);
    expect(await (await gateway.call("GET", "/v1/sessions/quiet")).json()).toMatchObject({
      detail: expect.stringContaining("idle") as string,
    });
    expect((await gateway.call("GET", "/v1/sessions/busy")).status).toBe(200);
    await gateway.call("DELETE", "/v1/sessions/busy/executions/e");
    await expect.poll(() => status("busy")).toBe(410);
  });

  it("end after their time to live, also when busy, and their runs say why", async () => {
    gateway = await startTestGateway({
      onRun: async (_run, emit) => {
        await new Promise((resolve) => emit.signal.addEventListener("abort", resolve));
        return undefined;
      },
    });
    await post({ id: "s", lifetime: { ttl_s: 0.5 } });
    const answer = await gateway.call("POST", "/v1/sessions/s/execute", { code: "x" });
    expect(await answer.json()).toMatchObject({
      status: "cancelled",
      reason: "session_expired",
      state: "lost",
    });
  });

  it("end even when their remains cannot be removed, and the gateway lives", async () => {
    gateway = await startTestGateway({
      records: {
        all: async () => [],
        put: async () => undefined,
        touch: async () => undefined,
        ending: async () => Promise.reject(new Error("the disk is gone")),
        remove: async () => Promise.reject(new Error("the disk is gone")),
      },
    });
    await post({ id: "s", lifetime: { idle_s: 0.1 } });
    gateway.runtime.destroy = async () => Promise.reject(new Error("the engine is gone"));
    await expect.poll(() => gateway.sessions.live).toBe(0);
    expect((await gateway.call("GET", "/v1/sessions/s")).status).toBe(410);
    expect((await post({ id: "t" })).status).toBe(201);
  });

  it("say why they could not start, and leave nothing", async () => {
    gateway = await startTestGateway();
    gateway.runtime.failure = new RuntimeError(
      "limit_not_enforceable",
      "memory_bytes of 5 has no room",
    );
    const refused = await post({ id: "s" });
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({
      code: "limit_not_enforceable",
      detail: "memory_bytes of 5 has no room",
    });
    expect((await gateway.call("GET", "/v1/sessions/s")).status).toBe(404);
    expect(gateway.sessions.live).toBe(0);
    expect(gateway.runtime.destroyed).toHaveLength(1);
  });

  it("are listed newest first, by pages, by state and by metadata, each tenant's own", async () => {
    gateway = await startTestGateway();
    for (const id of ["a", "b", "c"])
      await post({ id, metadata: { team: id === "b" ? "x" : "y" } });
    const list = async (query: string) =>
      (await (await gateway.call("GET", `/v1/sessions${query}`)).json()) as {
        sessions: { id: string }[];
        next_cursor: string | null;
      };
    const ids = ({ sessions }: { sessions: { id: string }[] }) => sessions.map(({ id }) => id);
    expect(ids(await list(""))).toEqual(["c", "b", "a"]);
    const page = await list("?limit=2");
    expect(ids(page)).toEqual(["c", "b"]);
    expect(ids(await list(`?limit=2&cursor=${page.next_cursor ?? ""}`))).toEqual(["a"]);
    expect(ids(await list("?metadata.team=x"))).toEqual(["b"]);
    expect(ids(await list("?metadata.constructor=x"))).toEqual([]);
    expect(ids(await list("?state=paused"))).toEqual([]);
    expect((await gateway.call("GET", "/v1/sessions?bogus=1")).status).toBe(400);
    expect((await gateway.call("GET", "/v1/sessions?cursor=bogus")).status).toBe(400);
    const others = await gateway.call("GET", "/v1/sessions", undefined, {
      authorization: `Bearer ${OTHER_KEY}`,
    });
    expect(ids((await others.json()) as { sessions: { id: string }[] })).toEqual([]);
  });

  it("of another tenant do not exist, and their ids are free", async () => {
    gateway = await startTestGateway();
    await post({ id: "s" });
    const other = { authorization: `Bearer ${OTHER_KEY}` };
    const told = async (id: string): Promise<unknown> => {
      const headers = { ...other, "x-request-id": "r" };
      return (await gateway.call("GET", `/v1/sessions/${id}`, undefined, headers)).json();
    };
    const [missing, absent] = [await told("s"), await told("t")];
    expect(JSON.stringify(missing).replaceAll("session s", "session t")).toBe(
      JSON.stringify(absent),
    );
    expect((await gateway.call("DELETE", "/v1/sessions/s", undefined, other)).status).toBe(404);
    const own = await gateway.call("PUT", "/v1/sessions/s", {}, other);
    expect(own.status).toBe(201);
    expect((await gateway.call("GET", "/v1/sessions/s")).status).toBe(200);
  });

  it("refuse what they do not have", async () => {
    gateway = await startTestGateway();
    expect(await codeOf(await post({ image: "ruby" }))).toBe("image_not_found");
    expect(await codeOf(await post({ runtime: "kubernetes" }))).toBe("runtime_not_found");
    expect(await codeOf(await post({ files: [{ path: "a" }] }))).toBe("invalid_request");
    expect(await codeOf(await post({ lifetime: { on_idle: "pause" } }))).toBe("invalid_request");
  });

  it("named after members of Object.prototype are sessions like others", async () => {
    gateway = await startTestGateway();
    expect((await gateway.call("GET", "/v1/sessions/__proto__")).status).toBe(404);
    expect((await gateway.call("GET", "/v1/sessions/constructor")).status).toBe(404);
    expect((await gateway.call("PUT", "/v1/sessions/__proto__", {})).status).toBe(201);
    expect((await gateway.call("GET", "/v1/sessions/__proto__")).status).toBe(200);
  });

  it("are refused once the gateway is stopping", async () => {
    gateway = await startTestGateway();
    await gateway.sessions.close();
    const refused = await post();
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).not.toBeNull();
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(503);
  });
});
