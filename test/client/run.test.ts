import { afterEach, describe, expect, it } from "vitest";
import {
  breakOff,
  finish,
  gathered,
  hang,
  refuse,
  type Answer,
  type ScriptedGateway,
  sendJson,
  startScriptedGateway,
  streams,
} from "./scripted-gateway.js";

let gateway: ScriptedGateway;
afterEach(async () => gateway.close());

const asked = (): string[] => gateway.requests.map(({ method, path }) => `${method} ${path}`);
const POST = "POST /v1/sessions/s/execute";
const answers =
  (fields?: object): Answer =>
  (response) =>
    sendJson(response, 200, gathered(fields));

/** The head and white space, then the end of the connection. */
const breaksBeforeTheResult: Answer = (response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.write("\n", () => void response.destroy());
};

describe("a run", () => {
  it("is the gathered answer, whatever kept the connection awake before it", async () => {
    gateway = await startScriptedGateway((response) => {
      response.writeHead(200, { "content-type": "application/json; charset=utf-8" });
      response.write("\n\n");
      response.end(JSON.stringify(gathered({ status: "error", text: "ValueError: é" })));
    });
    const session = await gateway.session();
    const result = await session.run("code", { timeout_s: 5, stdin: ["Ada"] });
    expect(result).toMatchObject({ status: "error", text: "ValueError: é" });
    expect(gateway.requests).toMatchObject([
      {
        headers: { accept: "application/json" },
        body: { code: "code", timeout_s: 5, stdin: ["Ada"] },
      },
    ]);
    expect(gateway.requests[0]?.body).not.toHaveProperty("retry");
  });

  it("that broke before it was answered is sent again with the same id", async () => {
    gateway = await startScriptedGateway(breakOff, answers({ text: "joined" }));
    const session = await gateway.session();
    expect(await session.run("code")).toMatchObject({ text: "joined" });
    const [first, second] = gateway.requests;
    expect(first?.body["execution_id"]).toMatch(/^exe_/);
    expect(second?.body).toEqual(first?.body);
  });

  it.each([
    ["that broke before the result", breaksBeforeTheResult],
    ["whose answer ended before the code did", answers({ status: "running" })],
  ])("%s is followed to its end, not sent again", async (_what, first) => {
    gateway = await startScriptedGateway(first, streams(finish(1)), answers({ text: "later" }));
    const session = await gateway.session();
    expect(await session.run("code", { execution_id: "e" })).toMatchObject({ text: "later" });
    const path = "GET /v1/sessions/s/executions/e";
    expect(asked()).toEqual([POST, `${path}/events`, path]);
  });

  it("that broke is not followed where that was not wanted", async () => {
    gateway = await startScriptedGateway(breaksBeforeTheResult);
    const session = await gateway.session({ retry: { for_s: 0 } });
    await expect(session.run("code")).rejects.toMatchObject({ code: "gateway_unreachable" });
    expect(asked()).toEqual([POST]);
  });

  it("that the gateway refuses says which fields were bad", async () => {
    gateway = await startScriptedGateway((response) => {
      response.writeHead(422, { "content-type": "application/problem+json" });
      const errors = [{ path: "timeout_s", message: "is too small" }];
      response.end(JSON.stringify({ code: "invalid_request", detail: "bad", errors }));
    });
    const session = await gateway.session();
    await expect(session.run("code", { timeout_s: -1 })).rejects.toMatchObject({
      code: "invalid_request",
      detail: "bad",
      message: "bad",
      status: 422,
      errors: [{ path: "timeout_s", message: "is too small" }],
    });
  });

  it("is given up at once by its signal", async () => {
    gateway = await startScriptedGateway(hang);
    const leaving = new AbortController();
    const session = await gateway.session();
    const run = session.run("code", { signal: leaving.signal });
    await expect.poll(() => gateway.requests.length).toBe(1);
    leaving.abort(new Error("enough"));
    await expect(run).rejects.toThrow("enough");
  });
});

describe("a run in a session that is made on first use", () => {
  it("is one call, with the session's options in it", async () => {
    gateway = await startScriptedGateway(answers());
    const limits = { pids: 64 };
    await gateway
      .client()
      .run("code", { session: "thread-1", limits, env: { A: "1" }, queue: false });
    expect(asked()).toEqual(["POST /v1/execute"]);
    expect(gateway.requests[0]?.body).toMatchObject({
      code: "code",
      session: "thread-1",
      limits,
      env: { A: "1" },
      queue: false,
    });
  });

  it("fails at once where no gateway has ever answered", async () => {
    gateway = await startScriptedGateway(breakOff);
    await expect(gateway.client().run("code")).rejects.toMatchObject({
      code: "gateway_unreachable",
    });
    expect(asked()).toEqual(["POST /v1/execute"]);
  });

  it("that broke before it was answered is looked for in its session, which is not made again", async () => {
    gateway = await startScriptedGateway(breakOff, answers({ text: "joined" }));
    const client = gateway.client();
    await client.session();
    const run = client.run("code", { session: "thread-1", env: { A: "1" } });
    expect(await run).toMatchObject({ text: "joined" });
    expect(asked()).toEqual(["POST /v1/execute", "POST /v1/sessions/thread-1/execute"]);
    const [first, second] = gateway.requests.map(({ body }) => body);
    expect(second).toEqual({ code: "code", execution_id: first?.["execution_id"] });
  });

  it("that broke is said to have broken where its session is not there", async () => {
    gateway = await startScriptedGateway(breakOff, refuse(404, "session_not_found"));
    const client = gateway.client();
    await client.session();
    await expect(client.run("code")).rejects.toMatchObject({ code: "gateway_unreachable" });
  });
});
