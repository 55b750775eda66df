import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KernelView } from "../../src/sessions/session-view.js";
import { refuse } from "../sandboxes/friendly-answer.js";
import { KEY, startTestGateway, type TestGateway } from "./test-gateway.js";

let gateway: TestGateway;
let kernel: string;

beforeEach(async () => {
  gateway = await startTestGateway();
  const made = await gateway.call("POST", "/v1/sessions", { id: "s" });
  kernel = ((await made.json()) as { kernels: KernelView[] }).kernels[0]?.id ?? "";
});
afterEach(async () => gateway.close());

const call = (method: string, path: string, body?: unknown) =>
  gateway.call(method, `/v1/sessions/s/kernels${path}`, body);

describe("a session's kernels", () => {
  it("are listed, and read one by one", async () => {
    const { kernels } = (await (await call("GET", "")).json()) as { kernels: KernelView[] };
    expect(kernels).toEqual([
      expect.objectContaining({ id: kernel, language: "python", execution_state: "idle" }),
    ]);
    expect(await (await call("GET", `/${kernel.toUpperCase()}`)).json()).toEqual(kernels[0]);
  });

  it("are named by id: another is not found, and no word stands for one", async () => {
    const unknown = await call("GET", `/${randomUUID()}`);
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ code: "kernel_not_found" });
    const word = await call("POST", "/default/restart");
    expect(word.status).toBe(400);
    expect(await word.json()).toMatchObject({ errors: [{ path: "kernel_id" }] });
  });

  it("restart: the answer and the session show the next generation", async () => {
    const restarted = await call("POST", `/${kernel}/restart`);
    expect(restarted.status).toBe(200);
    expect(await restarted.json()).toMatchObject({ id: kernel, generation: 1 });
    expect(await (await gateway.call("GET", "/v1/sessions/s")).json()).toMatchObject({
      kernels: [{ generation: 1 }],
    });
  });

  it("are interrupted, whatever runs in them", async () => {
    expect((await call("POST", `/${kernel}/interrupt`)).status).toBe(204);
    expect(gateway.double("s").requests).toContain(`POST /kernels/${kernel}/interrupt`);
  });

  it("are added, with a name, a directory and variables of their own", async () => {
    const bodies: unknown[] = [];
    const double = gateway.double("s");
    double.intercept = (request) => {
      if (request.method !== "POST" || request.url !== "/kernels") return false;
      request.on("data", (chunk: Buffer) => bodies.push(JSON.parse(chunk.toString())));
      return false;
    };
    const asked = { language: "python", name: "of mine", cwd: "data", env: { COLOUR: "blue" } };
    const answer = await call("POST", "", asked);
    expect(answer.status).toBe(201);
    const made = (await answer.json()) as KernelView;
    expect(answer.headers.get("location")).toBe(`/v1/sessions/s/kernels/${made.id}`);
    expect(made).toMatchObject({ language: "python", name: "of mine", execution_count: 0 });
    expect(bodies).toEqual([{ ...asked, id: made.id }]);
    const { kernels } = (await (await call("GET", "")).json()) as { kernels: KernelView[] };
    expect(kernels.map(({ id }) => id)).toEqual([kernel, made.id]);
    expect(kernels[0]?.name).toBeNull();
  });

  it("are removed; then the session's oldest is the default one", async () => {
    const made = (await (await call("POST", "", { language: "python" })).json()) as KernelView;
    expect((await call("DELETE", `/${kernel}`)).status).toBe(204);
    expect((await call("DELETE", `/${kernel}`)).status).toBe(404);
    const run = await gateway.call("POST", "/v1/sessions/s/execute", { code: "x" });
    expect(await run.json()).toMatchObject({ kernel_id: made.id });
    expect((await call("DELETE", `/${made.id}`)).status).toBe(204);
    const next = await gateway.call("POST", "/v1/sessions/s/execute", { code: "x" });
    const { kernel_id } = (await next.json()) as { kernel_id: string };
    expect([kernel, made.id]).not.toContain(kernel_id);
  });

  it("are refused with the field that is wrong", async () => {
    const refused = async (body: object) => {
      const answer = await call("POST", "", body);
      return { status: answer.status, ...((await answer.json()) as object) };
    };
    expect(await refused({ language: "cobol" })).toMatchObject({
      ...{ status: 422, code: "language_unavailable", detail: "available: python" },
      errors: [{ path: "language" }],
    });
    expect(await refused({ language: "python", env: { "a b": "c" } })).toMatchObject({
      ...{ status: 400, code: "invalid_request", errors: [{ path: "env.a b" }] },
    });
    gateway.double("s").intercept = (request, response) => {
      if (request.method !== "POST") return false;
      refuse(response, 422, "invalid_path", "the working directory /x cannot be used");
      return true;
    };
    expect(await refused({ language: "python", cwd: "/x" })).toMatchObject({
      ...{ status: 422, code: "invalid_path", errors: [{ path: "cwd" }] },
    });
    gateway.double("s").intercept = (request, response) => {
      if (request.method !== "POST") return false;
      refuse(response, 422, "kernel_limit", "a sandbox has at most 16 kernels");
      return true;
    };
    expect(await refused({ language: "python" })).toMatchObject({
      ...{ status: 422, code: "kernel_limit", detail: "a sandbox has at most 16 kernels" },
    });
  });

  it("tell their history in entries; what is none is left out", async () => {
    const asked: unknown[] = [];
    gateway.double("s").onShellRequest = ({ content }) => {
      asked.push(content);
      const history = [[0, 1, "a = 1"], [1, 2, ["a", "1"]], [1, 3, ["b", null]], "nonsense", [1]];
      return { msg_type: "history_reply", content: { status: "ok", history } };
    };
    const ask = async (body?: object): Promise<unknown> =>
      (await call("POST", `/${kernel}/history`, body)).json();
    expect(await ask()).toEqual({
      status: "ok",
      history: [
        { session: 0, line: 1, input: "a = 1" },
        { session: 1, line: 2, input: "a", output: "1" },
        { session: 1, line: 3, input: "b", output: null },
      ],
    });
    await ask({ hist_access_type: "search", pattern: "a*", unique: true, n: 5, raw: false });
    await ask({ hist_access_type: "range", start: 2, stop: 4, output: true });
    expect(asked).toEqual([
      { hist_access_type: "tail", output: false, raw: true, n: 1000 },
      ...[
        {
          hist_access_type: "search",
          output: false,
          raw: false,
          n: 5,
          pattern: "a*",
          unique: true,
        },
      ],
      ...[{ hist_access_type: "range", output: true, raw: true, session: 0, start: 2, stop: 4 }],
    ]);
  });

  it("complete at the cursor, which is the end of the code where it is not said", async () => {
    const asked: unknown[] = [];
    gateway.double("s").onShellRequest = (body) => {
      asked.push(body);
      const found = { matches: ["import", "impor\ud800"], cursor_start: 0, cursor_end: 3 };
      return { msg_type: "complete_reply", content: { status: "ok", ...found, extra: 1 } };
    };
    const answer = await call("POST", `/${kernel}/complete`, { code: "😀imp" });
    expect(await answer.json()).toEqual({
      status: "ok",
      matches: ["import", "impor\ufffd"],
      cursor_start: 0,
      cursor_end: 3,
      metadata: {},
    });
    await call("POST", `/${kernel}/complete`, { code: "imp", cursor: 1 });
    expect(asked).toMatchObject([
      { msg_type: "complete_request", content: { code: "😀imp", cursor_pos: 4 } },
      { content: { cursor_pos: 1 } },
    ]);
  });

  it("inspect what is at the cursor, with as much detail as asked for", async () => {
    const asked: unknown[] = [];
    gateway.double("s").onShellRequest = (body) => {
      asked.push(body.content);
      const content = { status: "ok", found: true, data: { "text/plain": "doc" }, metadata: {} };
      return { msg_type: "inspect_reply", content };
    };
    const answer = await call("POST", `/${kernel}/inspect`, { code: "len", cursor: 2, detail: 1 });
    expect(await answer.json()).toMatchObject({ found: true, data: { "text/plain": "doc" } });
    expect(asked).toEqual([{ code: "len", cursor_pos: 2, detail_level: 1 }]);
  });

  it("say whether code is complete; an answer that makes no sense is `unknown`", async () => {
    const contents = [{ status: "incomplete", indent: "    " }, { status: 7 }];
    gateway.double("s").onShellRequest = () => ({
      msg_type: "is_complete_reply",
      content: contents.shift() ?? {},
    });
    const ask = async (): Promise<unknown> =>
      (await call("POST", `/${kernel}/is_complete`, { code: "if 1:" })).json();
    expect(await ask()).toEqual({ status: "incomplete", indent: "    " });
    expect(await ask()).toEqual({ status: "unknown", indent: "" });
  });

  it("get comm messages one after the other, whichever connection they take", async () => {
    const double = gateway.double("s");
    const answers: (() => void)[] = [];
    double.intercept = (request, response) => {
      if (request.url?.endsWith("/comm") !== true || answers.length > 0) return false;
      answers.push(() => refuse(response, 429, "queue_full", "the first is not taken"));
      return true;
    };
    const open = { type: "comm_open", comm_id: "c", target_name: "t" };
    const message = { type: "comm_msg", comm_id: "c", data: { a: 1 }, metadata: { m: 2 } };
    const first = call("POST", `/${kernel}/comm`, open);
    await expect.poll(() => answers.length).toBe(1);
    const second = call("POST", `/${kernel}/comm`, { ...message, buffers: ["AP8=", ""] });
    expect((await gateway.call("GET", "/v1/sessions/s")).status).toBe(200);
    expect(double.comms).toEqual([]);
    answers[0]?.();
    expect(await (await first).json()).toMatchObject({ status: 429, code: "queue_full" });
    expect((await second).status).toBe(204);
    const close = { type: "comm_close", comm_id: "c" };
    expect((await call("POST", `/${kernel}/comm`, close)).status).toBe(204);
    expect(double.comms).toEqual([
      {
        msg_type: "comm_msg",
        content: { comm_id: "c", data: { a: 1 } },
        metadata: { m: 2 },
        buffers: ["AP8=", ""],
      },
      {
        msg_type: "comm_close",
        content: { comm_id: "c", data: {} },
        metadata: {},
        buffers: [],
      },
    ]);
  });

  it("get no comm message that is none: the field is named", async () => {
    const deep = (levels: number): object => (levels === 1 ? {} : { a: deep(levels - 1) });
    const message = { type: "comm_msg", comm_id: "c" };
    const wrong = async (body: object | string) => {
      const answer = await call("POST", `/${kernel}/comm`, body);
      const { code, errors } = (await answer.json()) as { code: string; errors: object[] };
      return { status: answer.status, code, errors };
    };
    const invalid = (path: string) => ({
      ...{ status: 400, code: "invalid_request" },
      errors: [expect.objectContaining({ path }) as object],
    });
    expect(await wrong({ ...message, buffers: ["AP8=", "AP8"] })).toEqual(invalid("buffers[1]"));
    expect(await wrong({ ...message, buffers: Array(257).fill("") })).toEqual(invalid("buffers"));
    expect(await wrong({ ...message, type: "comm_open" })).toEqual(invalid("target_name"));
    expect(await wrong({ ...message, target_name: "t" })).toEqual(invalid("target_name"));
    expect(await wrong({ ...message, type: "comm_info" })).toEqual(invalid("type"));
    expect(await wrong({ type: "comm_msg" })).toEqual(invalid("comm_id"));
    expect(await wrong({ ...message, data: [1] })).toEqual(invalid("data"));
    expect(await wrong({ ...message, metadata: deep(64) })).toEqual(invalid("metadata"));
    // Written out, these numbers are five times as long.
    const numbers = `[${Array(420_000).fill("1e20").join(",")}]`;
    const long = `{"type":"comm_msg","comm_id":"c","data":{"n":${numbers}}}`;
    expect(await wrong(long)).toMatchObject({
      ...{ status: 413, code: "body_too_large" },
    });
    const megabytes = "A".repeat(7 * 1024 * 1024);
    expect(await wrong({ ...message, buffers: [`${megabytes}A`] })).toEqual(invalid("buffers[0]"));
    expect(gateway.double("s").comms).toEqual([]);
    expect(
      (await call("POST", `/${kernel}/comm`, { ...message, buffers: [megabytes] })).status,
    ).toBe(204);
    expect((await call("POST", `/${kernel}/comm`, { ...message, data: deep(63) })).status).toBe(
      204,
    );
  });

  it("are not asked any more when the client has gone", async () => {
    const double = gateway.double("s");
    const arrived = new Promise<{ closed: Promise<unknown> }>((resolve) => {
      double.intercept = (request, response) => {
        if (request.url?.endsWith("/request") !== true) return false;
        resolve({ closed: once(response, "close") });
        return true;
      };
    });
    const leaving = new AbortController();
    const answer = fetch(`${gateway.url}/v1/sessions/s/kernels/${kernel}/complete`, {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
      body: JSON.stringify({ code: "x" }),
      signal: leaving.signal,
    });
    const { closed } = await arrived;
    leaving.abort();
    await expect(answer).rejects.toThrow();
    await closed;
  });

  it("refuse what is no request, field by field", async () => {
    const answer = await call("POST", `/${kernel}/inspect`, { code: "x", cursor: -1, detail: 2 });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ errors: [{ path: "cursor" }, { path: "detail" }] });
  });
});

describe("the images", () => {
  it("are listed with what they can run", async () => {
    expect(await (await gateway.call("GET", "/v1/images")).json()).toEqual({
      images: [
        {
          name: "python",
          description: "Python",
          languages: ["python"],
          default: true,
          built: true,
        },
      ],
    });
  });
});
