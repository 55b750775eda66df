import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Execution, ExecutionEvent, Session } from "../../src/client/index.js";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";
import { SocketClient } from "./socket-client.js";

let gateway: GatewayProcess;
let session: Session;
let socket: SocketClient;
beforeAll(async () => {
  gateway = await startGatewayProcess();
  session = await gateway.client.session();
  socket = await SocketClient.open(gateway, session.id);
});
afterAll(async () => {
  socket.close();
  await gateway.close();
});

const textOf = (events: { type: string; text?: unknown }[]): string =>
  events.map((event) => (event.type === "stream" ? String(event.text) : "")).join("");

/** Reads an execution to its end; `answer` is called with each request for input, after it was read. */
async function converse(
  execution: Execution,
  answer: (prompt: string, password: boolean) => Promise<void>,
): Promise<ExecutionEvent[]> {
  const events: ExecutionEvent[] = [];
  for await (const event of execution) {
    events.push(event);
    if (event.type === "input_request") await answer(event.prompt, event.password);
  }
  return events;
}

describe("input() over server-sent events and POST", () => {
  it("is asked for and answered, again and again", async () => {
    const execution = session.stream(
      "a = input('first? '); b = input('second? '); print(f'{a}|{b}')",
      { stdin: "ask" },
    );
    const prompts: string[] = [];
    const events = await converse(execution, async (prompt) => {
      prompts.push(prompt);
      await execution.input(prompt === "first? " ? "Ada é 🦆" : "");
    });
    expect(prompts).toEqual(["first? ", "second? "]);
    expect(textOf(events)).toBe("Ada é 🦆|\n");
    expect(events.at(-1)).toMatchObject({ status: "ok" });
  });

  it("says which prompts are for passwords", async () => {
    const execution = session.stream("import getpass; print(len(getpass.getpass('secret: ')))", {
      stdin: "ask",
    });
    const events = await converse(execution, async (_prompt, password) => {
      expect(password).toBe(true);
      await execution.input("hunter2");
    });
    expect(textOf(events)).toBe("7\n");
    expect(JSON.stringify(events)).not.toContain("hunter2");
  });

  it("can be answered by another client than the one that asked", async () => {
    const execution = session.stream("print('hello ' + input())", { stdin: "ask" });
    const events = await converse(execution, async () => {
      const path = `/v1/sessions/${session.id}/executions/${execution.id}`;
      const { executions } = (await (
        await gateway.call("GET", `/v1/sessions/${session.id}/executions`)
      ).json()) as { executions: object[] };
      expect(executions[0]).toMatchObject({ id: execution.id, waiting_for_input: true });
      const answered = await gateway.call("POST", `${path}/input`, { value: "from elsewhere" });
      expect(answered.status).toBe(204);
    });
    expect(textOf(events)).toBe("hello from elsewhere\n");
  });

  it("is interrupted while it waits, and nobody answers it any more", async () => {
    const execution = session.stream("kept = 7; input('never? ')", { stdin: "ask" });
    const events = await converse(execution, () => execution.interrupt());
    expect(events.at(-1)).toMatchObject({ status: "interrupted", state: "kept" });
    expect(events).toContainEqual(expect.objectContaining({ ename: "KeyboardInterrupt" }));
    await expect(execution.input("late")).rejects.toMatchObject({ code: "execution_finished" });
    expect((await session.run("kept")).text).toBe("7");
  });

  it("ends at the deadline when nobody answers, and state is kept", async () => {
    const execution = session.stream("kept = 8; input('anybody? ')", {
      stdin: "ask",
      timeout_s: 1,
    });
    const events = await converse(execution, async () => undefined);
    expect(events).toContainEqual(expect.objectContaining({ type: "deadline", step: "interrupt" }));
    expect(events.at(-1)).toMatchObject({ status: "timed_out", state: "kept" });
    expect((await session.run("kept")).text).toBe("8");
  });

  it("is cancelled while it waits", async () => {
    const execution = session.stream("input('never? ')", { stdin: "ask" });
    const events = await converse(execution, async () => {
      await execution.cancel();
    });
    expect(events.at(-1)).toMatchObject({ status: "cancelled" });
    expect((await session.run("1")).status).toBe("ok");
  });

  it("takes lines that were given ahead, and fails when they are used up", async () => {
    const ahead = { stdin: ["one", "two"] };
    expect(await session.run("print(input('a') + input('b'))", ahead)).toMatchObject({
      status: "ok",
      outputs: [{ text: "onetwo\n" }],
    });
    const short = await gateway.events(session.id, "[input() for _ in range(3)]", ahead);
    expect(short.filter(({ type }) => type === "input_request")).toEqual([]);
    expect(short.at(-1)).toMatchObject({ status: "error" });
  });

  it("that is denied fails with the kernel's clear error", async () => {
    for (const stdin of [undefined, "deny"] as const) {
      const events = await gateway.events(session.id, "input('x')", { stdin });
      expect(events).toContainEqual(
        expect.objectContaining({ type: "error", ename: "StdinNotImplementedError" }),
      );
      expect(events.at(-1)).toMatchObject({ status: "error" });
    }
  });

  it("answers the question that is named, and no other: not one that was interrupted and asked again", async () => {
    const code = `
try:
    input("first? ")
except KeyboardInterrupt:
    print("asked again: " + input("second? "))`;
    const execution = session.stream(code, { stdin: "ask" });
    const asked: number[] = [];
    const refused: unknown[] = [];
    const events: ExecutionEvent[] = [];
    for await (const event of execution) {
      events.push(event);
      if (event.type !== "input_request") continue;
      asked.push(event.n);
      if (asked.length === 1) {
        await execution.interrupt();
        continue;
      }
      const [first = 0, second = 0] = asked;
      for (const n of [first, second + 1]) {
        refused.push(await execution.input("late", { n }).catch((error: unknown) => error));
      }
      await execution.input("in time", { n: second });
    }
    expect(refused).toMatchObject([
      { code: "not_waiting_for_input" },
      { code: "not_waiting_for_input" },
    ]);
    expect(textOf(events)).toBe("asked again: in time\n");
    expect(events.at(-1)).toMatchObject({ type: "execution_finished" });
    const path = `/v1/sessions/${session.id}/executions/${execution.id}/input`;
    const wrong = await gateway.call("POST", path, { value: "x", n: 0 });
    expect(await wrong.json()).toMatchObject({ code: "invalid_request", errors: [{ path: "n" }] });
  });

  it("is refused for an execution that asks nothing", async () => {
    const execution = session.stream("import time\nprint('on', flush=True)\ntime.sleep(60)", {
      stdin: "ask",
    });
    for await (const event of execution) {
      if (event.type !== "stream") continue;
      await expect(execution.input("x")).rejects.toMatchObject({ code: "not_waiting_for_input" });
      await execution.cancel();
    }
  });
});

describe("input() over the WebSocket", () => {
  it("is asked for and answered, also passwords", async () => {
    socket.send({
      op: "execute",
      ref: "in",
      execution_id: "in",
      stdin: "ask",
      code: "import getpass\nprint(input('who? ') + getpass.getpass('secret? '))",
    });
    const who = await socket.until(({ type }) => type === "input_request");
    expect(who).toMatchObject({ ref: "in", prompt: "who? ", password: false });
    socket.send({ op: "input", ref: "1", execution_id: "in", value: "Ada" });
    const secret = await socket.until(
      ({ type, password }) => type === "input_request" && password === true,
    );
    expect(secret).toMatchObject({ ref: "in", prompt: "secret? " });
    socket.send({ op: "input", ref: "2", execution_id: "in", value: "!" });
    expect(await socket.finished("in")).toMatchObject({ status: "ok" });
    expect(textOf(socket.of("in"))).toBe("Ada!\n");
    expect(socket.of("1")).toMatchObject([{ type: "input_accepted", execution_id: "in" }]);
  });

  it("answers the question that is named, and no other", async () => {
    const code = "a = input('a? '); print(a + input('b? '))";
    socket.send({ op: "execute", ref: "n", execution_id: "n", stdin: "ask", code });
    const answer = { op: "input", execution_id: "n" };
    const asks = (prompt: string) =>
      socket.until((message) => message.ref === "n" && message["prompt"] === prompt);
    const { n: first } = await asks("a? ");
    socket.send({ ...answer, ref: "n1", value: "1", n: first });
    const { n: second } = await asks("b? ");
    socket.send({ ...answer, ref: "n2", value: "2", n: first });
    expect(await socket.until(({ ref }) => ref === "n2")).toMatchObject({
      type: "problem",
      problem: { code: "not_waiting_for_input" },
    });
    socket.send({ ...answer, ref: "n3", value: "3", n: second });
    expect(await socket.finished("n")).toMatchObject({ status: "ok" });
    expect(textOf(socket.of("n"))).toBe("13\n");
  });

  it("is interrupted while it waits, and refused afterwards", async () => {
    socket.send({ op: "execute", ref: "w", execution_id: "w", stdin: "ask", code: "input()" });
    await socket.until(({ ref, type }) => ref === "w" && type === "input_request");
    socket.send({ op: "interrupt", ref: "stop", execution_id: "w" });
    expect(await socket.finished("w")).toMatchObject({ status: "interrupted" });
    socket.send({ op: "input", ref: "late", execution_id: "w", value: "x" });
    expect(await socket.until(({ ref }) => ref === "late")).toMatchObject({
      type: "problem",
      problem: { code: "execution_finished" },
    });
  });

  it("ends at the deadline when nobody answers", async () => {
    const deadline = { stdin: "ask", timeout_s: 1, code: "input()" };
    socket.send({ op: "execute", ref: "d", ...deadline });
    expect(await socket.finished("d")).toMatchObject({ status: "timed_out", state: "kept" });
  });
});
