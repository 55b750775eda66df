import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";
import { SocketClient, type SocketMessage } from "./socket-client.js";

let gateway: GatewayProcess;
let session: string;
let client: SocketClient;
beforeAll(async () => {
  gateway = await startGatewayProcess();
  session = await gateway.session();
  client = await SocketClient.open(gateway, session);
});
afterAll(async () => {
  client.socket.terminate();
  await gateway.close();
});

describe("the WebSocket", () => {
  it("runs many executions at once, each with its ref", async () => {
    for (const ref of ["a", "b", "c"]) client.send({ op: "execute", ref, code: `print('${ref}')` });
    await Promise.all(["a", "b", "c"].map((ref) => client.finished(ref)));
    for (const ref of ["a", "b", "c"]) {
      const text = client
        .of(ref)
        .flatMap((message) => (message.type === "stream" ? [message["text"]] : []));
      expect(text).toEqual([`${ref}\n`]);
      expect(client.of(ref).at(-1)).toMatchObject({ status: "ok" });
    }
  });

  it("asks for input and takes it", async () => {
    client.send({
      op: "execute",
      ref: "in",
      code: "print('first'); print('hello ' + input('who? '))",
      stdin: "ask",
      execution_id: "in",
    });
    const request = await client.until((message) => message.type === "input_request");
    expect(request).toMatchObject({ ref: "in", prompt: "who? ", password: false });
    client.send({ op: "input", ref: "answer", execution_id: "in", value: "Ada" });
    await client.finished("in");
    const types = client.of("in").map((message) => message.type);
    expect(types.indexOf("stream")).toBeLessThan(types.indexOf("input_request"));
    expect(client.of("in")).toContainEqual(expect.objectContaining({ text: "hello Ada\n" }));
  });

  it("interrupts", async () => {
    client.send({
      op: "execute",
      ref: "long",
      code: "print('on'); import time; time.sleep(60)",
      execution_id: "long",
    });
    await client.until((message) => message.ref === "long" && message.type === "stream");
    client.send({ op: "interrupt", ref: "stop", execution_id: "long" });
    expect(await client.finished("long")).toMatchObject({ status: "interrupted" });
  });

  it("completes and inspects", async () => {
    client.send({ op: "execute", ref: "def", code: "some_long_name = 1" });
    await client.finished("def");
    client.send({ op: "complete", ref: "tab", code: "some_lo" });
    const reply = await client.until((message) => message.ref === "tab");
    expect(reply).toMatchObject({
      type: "complete_reply",
      matches: ["some_long_name"],
      cursor_start: 0,
    });
    client.send({ op: "inspect", ref: "doc", code: "len" });
    const doc = await client.until((message) => message.ref === "doc");
    expect(doc).toMatchObject({ type: "inspect_reply", found: true });
    expect(JSON.stringify(doc["data"])).toContain("Return the number of items");
  });

  it("resumes an execution on another connection, without loss or doubles", async () => {
    const leaving = await SocketClient.open(gateway, session);
    leaving.send({
      op: "execute",
      ref: "x",
      code: "import time\nfor i in range(6):\n    print(i, flush=True); time.sleep(0.1)",
      execution_id: "resumed",
    });
    const last = await leaving.until((message) => message.type === "stream");
    leaving.socket.terminate();
    client.send({ op: "resume", ref: "y", execution_id: "resumed", after: last.n });
    await client.finished("y");
    const text = (messages: SocketMessage[]) =>
      messages
        .flatMap((message) => (message.type === "stream" ? [String(message["text"])] : []))
        .join("");
    const had = text(leaving.messages.filter((message) => (message.n ?? 0) <= (last.n ?? 0)));
    expect(had + text(client.of("y"))).toBe("0\n1\n2\n3\n4\n5\n");
  });

  it.each([
    ["not json", undefined, "malformed_json"],
    [{ op: "dance", ref: "q1" }, "q1", "invalid_request"],
    [{ op: "execute", ref: "q2" }, "q2", "invalid_request"],
    [{ op: "execute", ref: "q3", code: "1", bogus: 1 }, "q3", "invalid_request"],
    [{ op: "interrupt", ref: "q4", execution_id: "none" }, "q4", "execution_not_found"],
    [{ op: "resume", ref: "q5", execution_id: "none" }, "q5", "execution_not_found"],
  ])("answers %j with a problem and goes on", async (message, ref, code) => {
    const before = client.messages.length;
    client.send(message);
    const problem = await client.until((candidate) => client.messages.indexOf(candidate) >= before);
    expect(problem).toMatchObject({ type: "problem", problem: { code } });
    expect(problem.ref).toBe(ref);
  });

  it("closes with a code that asks to come back when the gateway stops", async () => {
    const closed = once(client.socket, "close") as Promise<[number]>;
    client.send({ op: "execute", ref: "last", code: "import time; time.sleep(60)" });
    await client.until((message) => message.ref === "last" && message.type === "execution_started");
    const stopped = gateway.stop();
    expect(await client.finished("last")).toMatchObject({
      status: "cancelled",
      reason: "gateway_stopped",
    });
    expect((await closed)[0]).toBe(1012);
    expect(await stopped).toBe(0);
  });
});
