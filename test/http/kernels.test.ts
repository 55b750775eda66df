import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KernelView } from "../../src/sessions/session-view.js";
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
