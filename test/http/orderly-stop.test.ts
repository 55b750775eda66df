import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startTestGateway, type TestGateway } from "./test-gateway.js";

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await startTestGateway({
    onRun: (_run, emit) => {
      emit.stream("stdout", "begun");
      return new Promise(() => undefined);
    },
  });
  expect((await gateway.call("POST", "/v1/sessions", { id: "s" })).status).toBe(201);
});
afterEach(async () => gateway.close());

const sse = { accept: "text/event-stream" };
const execute = (execution_id: string, headers?: Record<string, string>) =>
  gateway.call("POST", "/v1/sessions/s/execute", { code: "x", execution_id }, headers);
const stop = () => gateway.sessions.close({ keep: true });

describe("a gateway that stops and keeps its sessions", () => {
  it("says so at the end of every stream, and gives no terminal event", async () => {
    const [kernel = ""] = gateway.double("s").kernels.keys();
    const answers = [
      await execute("e", sse),
      await gateway.call("GET", "/v1/sessions/s/executions/e/events", undefined, sse),
      await gateway.call("GET", "/v1/sessions/s/events"),
      await gateway.call("GET", `/v1/sessions/s/kernels/${kernel}/events`),
    ];
    const bodies = answers.map((answer) => answer.text());
    await stop();
    for (const body of await Promise.all(bodies)) {
      expect(body).toMatch(/: problem shutting_down\n\n$/);
      expect(body).not.toMatch(/event: (?:execution_finished|session_ended)/);
    }
  });

  it("breaks a gathered answer off, which is no answer then", async () => {
    const answer = await execute("e");
    expect(answer.status).toBe(200);
    const body = expect(answer.text()).rejects.toThrow();
    await stop();
    await body;
  });

  it("refuses what comes later, to be asked again of the next one", async () => {
    await stop();
    for (const answer of [
      await execute("e"),
      await gateway.call("GET", "/v1/sessions/s"),
      await gateway.call("GET", "/v1/sessions/s/executions/e/events", undefined, sse),
      await gateway.call("PUT", "/v1/sessions/new", {}),
    ]) {
      expect(answer.status).toBe(503);
      expect(answer.headers.get("retry-after")).toBe("2");
      expect(await answer.json()).toMatchObject({ code: "shutting_down" });
    }
  });
});
