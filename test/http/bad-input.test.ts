import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestGateway, type TestGateway } from "./test-gateway.js";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    bodyLimitBytes: 2 * 1024 * 1024,
    onRun: (run, emit) => {
      emit.stream("stdout", run.code.slice(0, 100));
      return undefined;
    },
  });
  await gateway.call("POST", "/v1/sessions", { id: "s" });
});
afterAll(async () => gateway.close());

interface Problem {
  status: number;
  code: string;
  detail: string;
  errors?: { path: string; message: string }[];
  request_id: string;
  type: string;
  title: string;
}

async function refused(response: Response): Promise<Problem> {
  expect(response.headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
  const problem = (await response.json()) as Problem;
  expect(problem.status).toBe(response.status);
  expect(problem.type).toBe(`urn:hotcell:problem:${problem.code}`);
  expect(problem.request_id).toBe(response.headers.get("x-request-id"));
  return problem;
}

const execute = (body: unknown) => gateway.call("POST", "/v1/sessions/s/execute", body);

describe("bad input to execute", () => {
  it.each([
    ["malformed JSON", '{"code": ', 400, "malformed_json"],
    ["an empty body", undefined, 400, "invalid_request"],
    ["a body that is not an object", "[]", 400, "invalid_request"],
    [
      "__proto__ in the body",
      '{"code": "1", "__proto__": {"queue": false}}',
      400,
      "malformed_json",
    ],
  ])("%s", async (_title, body, status, code) => {
    const response = await gateway.call("POST", "/v1/sessions/s/execute", body, {
      "content-type": "application/json",
    });
    expect(response.status).toBe(status);
    expect((await refused(response)).code).toBe(code);
  });

  it("bytes that are not UTF-8", async () => {
    const response = await fetch(`${gateway.url}/v1/sessions/s/execute`, {
      method: "POST",
      headers: {
        authorization: "Bearer key-of-the-default-tenant",
        "content-type": "application/json",
      },
      body: Buffer.concat([
        Buffer.from('{"code": "'),
        Buffer.from([0xff, 0xfe]),
        Buffer.from('"}'),
      ]),
    });
    expect((await refused(response)).code).toBe("malformed_json");
  });

  it.each([
    ["a number as code", { code: 7 }, "code"],
    ["no code", {}, "code"],
    ["an unknown field", { code: "1", cod: "2" }, "cod"],
    ["an unknown field inside", { code: "1", env: { "not a name": "x" } }, "env.not a name"],
    ["a negative deadline", { code: "1", timeout_s: -1 }, "timeout_s"],
    ["a lone surrogate", { code: "print('\ud800')" }, "code"],
    ["a kernel that is no UUID", { code: "1", kernel: "k" }, "kernel"],
    [
      "kernel and language",
      { code: "1", kernel: crypto.randomUUID(), language: "python" },
      "language",
    ],
    ["an execution id with a slash", { code: "1", execution_id: "a/b" }, "execution_id"],
    ["dots as execution id", { code: "1", execution_id: ".." }, "execution_id"],
    ["a NUL in a variable", { code: "1", env: { A: "a\0b" } }, "env.A"],
    ["stdin of another kind", { code: "1", stdin: "perhaps" }, "stdin"],
  ])("%s is named", async (_title, body, path) => {
    const response = await execute(body);
    expect(response.status).toBe(400);
    const problem = await refused(response);
    expect(problem.code).toBe("invalid_request");
    expect(problem.errors?.map((error) => error.path)).toContain(path);
    expect(problem.detail).toContain(path);
  });

  it("names every bad field at once", async () => {
    const problem = await refused(await execute({ code: 1, timeout_s: "x", bogus: 1 }));
    expect(problem.errors?.map((error) => error.path).sort()).toEqual([
      "bogus",
      "code",
      "timeout_s",
    ]);
  });

  it("a NUL in code is the language's affair", async () => {
    expect(await (await execute({ code: "a\0b" })).json()).toMatchObject({ text: "a\0b" });
  });

  it("1 MiB of code passes, and a body over the limit is refused with the limit", async () => {
    const code = "x".repeat(1024 * 1024);
    expect((await execute({ code })).status).toBe(200);
    const response = await execute({ code: code + code });
    expect(response.status).toBe(413);
    expect((await refused(response)).detail).toContain(String(2 * 1024 * 1024));
  });

  it("a session that is not there", async () => {
    const response = await gateway.call("POST", "/v1/sessions/nobody/execute", { code: "1" });
    expect(response.status).toBe(404);
    expect((await refused(response)).code).toBe("session_not_found");
  });

  it("an execution that is not there", async () => {
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/events"],
      ["POST", "/interrupt"],
      ["DELETE", ""],
    ] as const) {
      const response = await gateway.call(method, `/v1/sessions/s/executions/none${path}`);
      expect(response.status).toBe(404);
      expect((await refused(response)).code).toBe("execution_not_found");
    }
  });

  it("a kernel that is not there", async () => {
    const response = await execute({ code: "1", kernel: crypto.randomUUID() });
    expect(response.status).toBe(404);
    expect((await refused(response)).code).toBe("kernel_not_found");
  });

  it("a path that is not there", async () => {
    const response = await gateway.call("GET", "/v1/nothing");
    expect(response.status).toBe(404);
    expect((await refused(response)).code).toBe("not_found");
  });

  it("leaves the session as it was", async () => {
    expect(await (await execute({ code: "still here" })).json()).toMatchObject({
      text: "still here",
    });
  });
});

describe("request ids", () => {
  it("are echoed when they are decent, and made otherwise", async () => {
    const echoed = await gateway.call("GET", "/v1/sessions", undefined, {
      "x-request-id": "abc-1",
    });
    expect(echoed.headers.get("x-request-id")).toBe("abc-1");
    const made = await gateway.call("GET", "/v1/sessions", undefined, { "x-request-id": "a b" });
    expect(made.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});
