import { randomBytes, randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { listen } from "./gateway-end.js";
import { Sandbox } from "./sandbox.js";

let sandbox: Sandbox;
afterEach(() => sandbox.close());

describe("enrolment", () => {
  test("is an unproven hello, and every later one is proven with the key and the same boot id", async () => {
    sandbox = await Sandbox.start();
    const control = await sandbox.gateway.hello("control");
    expect(control.hello.proof).toBeNull();
    expect(control.hello.boot).toMatch(/^[0-9a-f]{32}$/);
    for (const spare of [
      await sandbox.gateway.hello("spare"),
      await sandbox.gateway.hello("spare"),
    ])
      expect(spare).toMatchObject({ proven: true, hello: { boot: control.hello.boot } });
  });

  test("survives the gateway: kerneld dials the next one with its proof", async () => {
    sandbox = await Sandbox.start();
    const first = await sandbox.gateway.accepted("control");
    await sandbox.gateway.close();
    sandbox.gateway = await listen({
      path: join(sandbox.directory, "gateway.sock"),
      key: sandbox.gateway.key,
    });
    const again = await sandbox.gateway.accepted("control");
    expect(again).toMatchObject({ proven: true, hello: { boot: first.hello.boot } });
    expect(await sandbox.send("GET", "/state")).toMatchObject({ status: 200 });
  });

  test("happens once: another key is not taken", async () => {
    sandbox = await Sandbox.start();
    await sandbox.gateway.accepted("control");
    const { key } = sandbox.gateway;
    await sandbox.gateway.close();
    let offers = 0;
    sandbox.gateway = await listen({
      path: join(sandbox.directory, "gateway.sock"),
      key,
      judge: ({ hello }) =>
        hello.role === "control" && offers++ === 0
          ? { key: randomBytes(32).toString("hex") }
          : { ok: true },
    });
    const offered = await sandbox.gateway.hello("control");
    const after = await sandbox.gateway.hello("control");
    expect([offered.proven, after.proven]).toEqual([true, true]);
  });

  test("is tried again after an answer that is none", async () => {
    let hellos = 0;
    const key = randomBytes(32);
    sandbox = await Sandbox.start({
      key,
      judge: ({ hello }) =>
        hello.role === "spare"
          ? { ok: true }
          : ++hellos < 3
            ? { nonsense: true }
            : { key: key.toString("hex") },
    });
    await sandbox.gateway.accepted("control");
    expect(hellos).toBe(3);
  });
});

describe("a link whose directory is deleted", () => {
  test("ends the sandbox once the gateway is gone, for none can come back", async () => {
    sandbox = await Sandbox.start();
    await sandbox.gateway.accepted("control");
    const exited = sandbox.exited();
    await sandbox.gateway.close();
    await rm(sandbox.directory, { recursive: true });
    expect(await exited).toBe(75);
    expect(await sandbox.log()).toContain("the link's directory was deleted");
  });
});

describe("spare connections", () => {
  test("are dialled anew whenever one is used, up to fourteen", async () => {
    sandbox = await Sandbox.start();
    const held = [];
    for (let index = 0; index < 14; index += 1) {
      const { socket } = await sandbox.gateway.accepted("spare");
      socket.resume().write("GET /journal?follow=1 HTTP/1.1\r\nHost: sandbox\r\n\r\n");
      held.push(socket);
    }
    const more = sandbox.gateway.hello("spare");
    const { socket: control } = await sandbox.gateway.accepted("control");
    control.resume().write("POST /ping HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\n\r\n{}");
    const answer = await new Promise<Buffer>((resolve) => control.once("data", resolve));
    expect(answer.toString()).toContain("200 OK");
    // Only the end of one of the fourteen makes room for another.
    held[0]?.destroy();
    expect((await more).proven).toBe(true);
  });
});

describe("assignment", () => {
  test("comes before everything but ping, state and journal", async () => {
    sandbox = await Sandbox.start();
    expect(await sandbox.send("POST", "/ping", {})).toMatchObject({ status: 200 });
    expect((await sandbox.send("GET", "/state")).json).toMatchObject({ assigned: false });
    for (const [method, path] of [
      ["GET", "/runs"],
      ["GET", "/kernels"],
      ["GET", "/files?path=x"],
    ] as const)
      expect(await sandbox.send(method, path)).toMatchObject({
        status: 409,
        json: { code: "not_assigned" },
      });
  });

  test("answers the same body the same, and refuses another", async () => {
    sandbox = await Sandbox.start();
    const kernel = randomUUID();
    const [first, same] = await Promise.all([
      sandbox.assign([kernel], { A: "1" }),
      sandbox.assign([kernel], { A: "1" }),
    ]);
    expect(first).toMatchObject({
      status: 200,
      json: { assigned: true, kernels: [{ id: kernel, execution_state: "idle", generation: 1 }] },
    });
    expect(same.json).toEqual(first.json);
    const other = await sandbox.assign([kernel], { A: "2" });
    expect(other).toMatchObject({ status: 409, json: { code: "already_assigned" } });
    const run = await sandbox.execute(kernel, "import os; os.environ['A']");
    expect(run.of("execute_result")[0]?.content).toMatchObject({ data: { "text/plain": "'1'" } });
  });

  test("of a language that is not there says which are", async () => {
    sandbox = await Sandbox.start();
    await sandbox.assign([]);
    const answer = await sandbox.send("POST", "/kernels", { id: randomUUID(), language: "cobol" });
    expect(answer).toMatchObject({
      status: 422,
      json: { code: "language_unavailable", detail: "available: python" },
    });
  });
});

describe("a request that is wrong", () => {
  test("is answered, and the connection serves the next one", async () => {
    sandbox = await Sandbox.start();
    expect(await sandbox.send("GET", "/nowhere")).toMatchObject({
      status: 404,
      json: { code: "not_found" },
    });
    expect(await sandbox.send("POST", "/assign", Buffer.from("{"))).toMatchObject({
      status: 400,
      json: { code: "invalid_request" },
    });
    expect(await sandbox.send("GET", "/journal?after=-1")).toMatchObject({ status: 400 });
    expect(await sandbox.send("GET", "/state")).toMatchObject({ status: 200 });
  });
});
