import { afterEach, describe, expect, it } from "vitest";
import type { RunScript } from "../sandboxes/friendly-runs.js";
import { allEvents, readEvents } from "./event-stream.js";
import {
  KEY,
  startTestGateway,
  type TestGateway,
  type TestGatewayOptions,
} from "./test-gateway.js";

let gateway: TestGateway;
afterEach(async () => gateway.close());

async function start(onRun?: RunScript, options: TestGatewayOptions = {}): Promise<void> {
  gateway = await startTestGateway({ ...(onRun === undefined ? {} : { onRun }), ...options });
  const made = await gateway.call("POST", "/v1/sessions", { id: "s" });
  expect(made.status).toBe(201);
}

const execute = (body: object, headers?: Record<string, string>) =>
  gateway.call("POST", "/v1/sessions/s/execute", body, headers);
const sse = { accept: "text/event-stream" };

/** A run that lasts until it is interrupted or `release` is called. */
function heldRun(): { script: RunScript; release: () => void } {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  return {
    release,
    script: async (_run, emit) => {
      emit.stream("stdout", "begun");
      await Promise.race([
        held,
        new Promise((_resolve, reject) =>
          emit.signal.addEventListener("abort", () => reject(emit.signal.reason as Error)),
        ),
      ]);
      return undefined;
    },
  };
}

describe("executing", () => {
  it("gathers the result as JSON", async () => {
    await start((_run, emit) => {
      emit.stream("stdout", "hello\n");
      emit.result({ "text/plain": "2", "text/html": "<b>2</b>" });
      return undefined;
    });
    const response = await execute({ code: "1+1" });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toContain("application/json");
    expect(await response.json()).toMatchObject({
      session_id: "s",
      status: "ok",
      text: "hello\n2",
      outputs: [
        { output_type: "stream", name: "stdout", text: "hello\n" },
        { output_type: "execute_result", data: { "text/plain": "2", "text/html": "<b>2</b>" } },
      ],
      images: [],
      state: "kept",
    });
  });

  it("streams events and ends after the terminal one", async () => {
    await start((_run, emit) => {
      emit.display(
        { "image/png": "aGk=" },
        { display_id: "d", metadata: { "image/png": { width: 3 } } },
      );
      return { status: "error" };
    });
    const response = await execute({ code: "x", execution_id: "mine" }, sse);
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(response.headers.get("cache-control")).toContain("no-transform");
    expect(response.headers.get("x-request-id")).not.toBeNull();
    const events = await allEvents(response);
    expect(events.map((event) => event.type)).toEqual([
      "execution_started",
      "display_data",
      "execution_finished",
    ]);
    expect(events[0]).toMatchObject({ execution_id: "mine", session_id: "s" });
    expect(events[1]).toMatchObject({ display_id: "d", metadata: { "image/png": { width: 3 } } });
    expect(events.at(-1)).toMatchObject({ status: "error" });
    const numbers = events.map((event) => event.n);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  });

  it("answers 202 with links, by which the run is read, followed and cancelled", async () => {
    const { script } = heldRun();
    await start(script);
    const accepted = await execute({ code: "x" }, { prefer: "respond-async" });
    expect(accepted.status).toBe(202);
    const { links } = (await accepted.json()) as { links: { self: string; events: string } };
    expect(accepted.headers.get("location")).toBe(links.self);
    const stream = readEvents(await gateway.call("GET", links.events));
    await stream.next();
    expect(await (await gateway.call("GET", links.self)).json()).toMatchObject({
      status: "running",
    });
    const cancelled = await gateway.call("DELETE", links.self);
    expect(cancelled.status).toBe(200);
    const rest: string[] = [];
    for await (const event of stream) rest.push(event.type);
    expect(rest.at(-1)).toBe("execution_finished");
    expect((await gateway.call("GET", `${links.events}?after=9999`)).status).toBe(204);
    const replay = await allEvents(
      await gateway.call("GET", links.events, undefined, { "last-event-id": "0" }),
    );
    expect(replay.at(-1)?.type).toBe("execution_finished");
  });

  it("sends the head of a JSON answer at acceptance, before the result is there", async () => {
    const { script, release } = heldRun();
    await start(script);
    const response = await execute({ code: "x" });
    expect(response.status).toBe(200);
    release();
    expect(await response.json()).toMatchObject({ status: "ok" });
  });

  it("joins a run with the same id and body, and refuses another body", async () => {
    let runs = 0;
    await start(() => {
      runs += 1;
      return undefined;
    });
    const first = (await (await execute({ code: "x", execution_id: "e" })).json()) as object;
    const again = (await (await execute({ code: "x", execution_id: "e" })).json()) as object;
    expect(again).toEqual(first);
    expect(runs).toBe(1);
    const other = await execute({ code: "y", execution_id: "e" });
    expect(other.status).toBe(409);
    expect(await other.json()).toMatchObject({ code: "execution_conflict" });
  });

  it("cancels when the client leaves, if that was asked for, and goes on otherwise", async () => {
    const { script, release } = heldRun();
    await start(script);
    for (const on_disconnect of ["cancel", "continue"]) {
      const leaving = new AbortController();
      const response = await fetch(`${gateway.url}/v1/sessions/s/execute`, {
        method: "POST",
        headers: { ...sse, authorization: `Bearer ${KEY}`, "content-type": "application/json" },
        body: JSON.stringify({ code: "x", execution_id: on_disconnect, on_disconnect }),
        signal: leaving.signal,
      });
      const events = readEvents(response);
      await events.next();
      leaving.abort();
    }
    const cancelled = await allEvents(
      await gateway.call("GET", "/v1/sessions/s/executions/cancel/events"),
    );
    expect(cancelled.at(-1)).toMatchObject({ type: "execution_finished" });
    expect(cancelled.at(-1)).not.toMatchObject({ status: "ok" });
    release();
    const kept = await allEvents(
      await gateway.call("GET", "/v1/sessions/s/executions/continue/events"),
    );
    expect(kept.at(-1)).toMatchObject({ status: "ok" });
  });

  it("takes input for a run that asks for it", async () => {
    await start(async (_run, emit) => {
      emit.stream("stdout", `you said ${await emit.input("name? ", true)}`);
      return undefined;
    });
    const stream = readEvents(await execute({ code: "x", stdin: "ask", execution_id: "e" }, sse));
    const said: unknown[] = [];
    for await (const event of stream) {
      if (event.type === "input_request") {
        expect(event).toMatchObject({ prompt: "name? ", password: true });
        const answered = await gateway.call("POST", "/v1/sessions/s/executions/e/input", {
          value: "Ada",
        });
        expect(answered.status).toBe(204);
      }
      if (event.type === "stream") said.push(event.text);
    }
    expect(said).toEqual(["you said Ada"]);
    const late = await gateway.call("POST", "/v1/sessions/s/executions/e/input", { value: "x" });
    expect(late.status).toBe(409);
  });

  it("interrupts", async () => {
    const { script } = heldRun();
    await start(script);
    const stream = readEvents(await execute({ code: "x", execution_id: "e" }, sse));
    await stream.next();
    expect((await gateway.call("POST", "/v1/sessions/s/executions/e/interrupt")).status).toBe(204);
    let last: unknown;
    for await (const event of stream) last = event;
    expect(last).toMatchObject({ status: "interrupted" });
  });

  it("makes the session on first use, and finds it again", async () => {
    gateway = await startTestGateway();
    const body = { session: "thread-1", code: "hi", env: { A: "1" }, metadata: { k: "v" } };
    expect(await (await gateway.call("POST", "/v1/execute", body)).json()).toMatchObject({
      session_id: "thread-1",
      text: "hi",
    });
    await gateway.call("POST", "/v1/execute", body);
    expect(gateway.runtime.specifications).toHaveLength(1);
    expect(gateway.double("thread-1").assignment()).toMatchObject({
      session_id: "thread-1",
      env: { A: "1" },
    });
    const anonymous = (await (await gateway.call("POST", "/v1/execute", { code: "x" })).json()) as {
      session_id: string;
    };
    expect(anonymous.session_id).toMatch(/^ses_/);
  });

  it("ends what runs when the session is deleted, with the reason", async () => {
    const { script } = heldRun();
    await start(script);
    const stream = readEvents(await execute({ code: "x" }, sse));
    await stream.next();
    const gathered = execute({ code: "y" });
    expect((await gateway.call("DELETE", "/v1/sessions/s")).status).toBe(204);
    const rest = [];
    for await (const event of stream) rest.push(event);
    expect(rest.at(-1)).toMatchObject({ status: "cancelled", reason: "session_deleted" });
    const answer = await gathered;
    if (answer.status === 200)
      expect(await answer.json()).toMatchObject({ reason: "session_deleted" });
    else expect(answer.status).toBe(410);
  });

  it("says that the sandbox was lost when it goes away under a run", async () => {
    const { script } = heldRun();
    await start(script);
    const stream = readEvents(await execute({ code: "x" }, sse));
    await stream.next();
    const { sandboxId } = gateway.sessions.get("default", "s");
    gateway.runtime.emit({ type: "exited", sandboxId, exitCode: 137, signal: 9, oom: true });
    const rest = [];
    for await (const event of stream) rest.push(event);
    expect(rest.at(-1)).toMatchObject({ status: "kernel_died", state: "lost", reason: "oom" });
    expect((await execute({ code: "x" })).status).toBe(410);
  });

  it.each([
    [{ accept: "text/html" }, 406, "not_acceptable"],
    [{ "content-type": "text/xml" }, 415, "unsupported_media_type"],
  ])("refuses %j", async (headers, status, code) => {
    await start();
    const response = await execute({ code: "x" }, headers);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
    expect(gateway.double("s").runs.get("x")).toBeUndefined();
  });
});

describe("a sandbox that breaks the protocol", () => {
  it("loses its session, with the reason, and its clients get their terminal event", async () => {
    const { script } = heldRun();
    await start(script);
    const stream = readEvents(await execute({ code: "x" }, sse));
    await stream.next();
    gateway.double("s").intercept = (_request, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end("{}");
      return true;
    };
    const asked = await gateway.call("GET", "/v1/sessions/s/executions");
    expect([410, 502]).toContain(asked.status);
    const rest = [];
    for await (const event of stream) rest.push(event);
    expect(rest.at(-1)).toMatchObject({
      status: "kernel_died",
      state: "lost",
      reason: "protocol_violation",
    });
    expect((await gateway.call("GET", "/v1/sessions/s")).status).toBe(410);
    await expect.poll(() => gateway.runtime.destroyed).toHaveLength(1);
  });
});
