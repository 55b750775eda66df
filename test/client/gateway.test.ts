import { afterEach, describe, expect, it, vi } from "vitest";
import { type CommMessage, Hotcell, HotcellError } from "../../src/client/index.js";
import {
  type Answer,
  breakOff,
  gathered,
  hang,
  refuse,
  type ScriptedGateway,
  sendJson,
  startScriptedGateway,
} from "./scripted-gateway.js";

let gateway: ScriptedGateway | undefined;
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  vi.useRealTimers();
  await gateway?.close();
  gateway = undefined;
});

async function started(...answers: Answer[]): Promise<ScriptedGateway> {
  gateway = await startScriptedGateway(...answers);
  return gateway;
}

describe("where the gateway is", () => {
  it("is said, or taken from the environment, or is the usual place", () => {
    expect(new Hotcell({ url: "https://example.org/hotcell/" }).url).toBe(
      "https://example.org/hotcell",
    );
    vi.stubEnv("HOTCELL_URL", "http://10.0.0.1:99");
    expect(new Hotcell().url).toBe("http://10.0.0.1:99");
    vi.stubEnv("HOTCELL_URL", undefined);
    expect(new Hotcell().url).toBe("http://127.0.0.1:8788");
  });

  it("is where the page came from, in a browser, with the page's cookie", async () => {
    const { url, requests } = await started((response) => sendJson(response, 200, gathered()));
    vi.stubGlobal("process", undefined);
    vi.stubGlobal("location", { origin: url });
    const client = new Hotcell();
    expect(client.url).toBe(url);
    await client.run("1");
    expect(requests[0]?.headers).not.toHaveProperty("authorization");
  });

  it.each(["nonsense", "ftp://x", "http://u:p@x", "http://x/?token=t", "file:///x"])(
    "cannot be %s",
    (url) => {
      expect(() => new Hotcell({ url })).toThrow(TypeError);
    },
  );

  it("is told a key that comes from the environment, and no key that is none", async () => {
    const { url, requests } = await started((response) => sendJson(response, 200, gathered()));
    vi.stubEnv("HOTCELL_API_KEY", "from-the-environment");
    await new Hotcell({ url }).run("1");
    expect(requests[0]?.headers.authorization).toBe("Bearer from-the-environment");
    expect(() => new Hotcell({ url, key: "secret\n" })).toThrow(/^((?!secret).)*$/s);
  });
});

describe("a call", () => {
  it("goes through the fetch that was given", async () => {
    const { url } = await started((response) => sendJson(response, 200, { images: [] }));
    const seen: unknown[] = [];
    const client = new Hotcell({
      url,
      fetch: (input, init) => {
        seen.push(input);
        return fetch(input, init);
      },
    });
    expect(await client.images()).toEqual([]);
    expect(seen).toEqual([`${url}/v1/images`]);
  });

  it("to nothing says so", async () => {
    const { url, client, close } = await started();
    await close();
    const call = client().session();
    await expect(call).rejects.toBeInstanceOf(HotcellError);
    await expect(call).rejects.toMatchObject({ code: "gateway_unreachable", status: undefined });
    await expect(call).rejects.toThrow(`${url} does not answer: nothing listens there`);
  });

  it("is not sent twice where nobody said that it may be", async () => {
    const { client, requests } = await started(breakOff);
    await expect(client().attach("other")).rejects.toMatchObject({ code: "gateway_unreachable" });
    expect(requests).toHaveLength(1);
  });

  it("gets a comm message once, also where the connection breaks", async () => {
    const { session, requests } = await started(
      (response) => void response.writeHead(204).end(),
      breakOff,
    );
    const { kernels } = await session();
    const message: CommMessage = { type: "comm_msg", comm_id: "c", buffers: ["AP8="] };
    await kernels.comm("k", message);
    await expect(kernels.comm("k", message)).rejects.toMatchObject({ code: "gateway_unreachable" });
    expect(requests.map(({ method, path, body }) => [method, path, body])).toEqual([
      ["POST", "/v1/sessions/s/kernels/k/comm", message],
      ["POST", "/v1/sessions/s/kernels/k/comm", message],
    ]);
  });

  it("with a key that is not valid says so", async () => {
    const { client } = await started(refuse(401, "unauthenticated", "The key is not valid"));
    await expect(client().images()).rejects.toMatchObject({
      code: "unauthenticated",
      status: 401,
      detail: "The key is not valid",
      requestId: "r-1",
    });
  });

  it.each([
    ["a page", 200, "<html>", "not_a_gateway"],
    ["other JSON", 200, '{"id": 1}', "not_a_gateway"],
    ["an error page", 404, "<html>", "not_a_gateway"],
    ["a page for another password", 401, "{}", "not_a_gateway"],
    ["a proxy alone", 502, "<html>", "gateway_unreachable"],
  ])("to %s says that there is no gateway", async (_what, status, body, code) => {
    const { client } = await started((response) => void response.writeHead(status).end(body));
    await expect(client().images()).rejects.toMatchObject({ code, status });
  });

  it("is not sent on with the key where it is told to go elsewhere", async () => {
    const { client, requests } = await started(
      (response) => void response.writeHead(307, { location: "/elsewhere" }).end(),
    );
    await expect(client().images()).rejects.toMatchObject({ code: "not_a_gateway", status: 307 });
    expect(requests).toHaveLength(1);
  });

  it.each([
    ["before the answer", hang],
    ["within the answer", (response) => void response.writeHead(200).write("[")],
    ["within the refusal", (response) => void response.writeHead(404).write("{")],
  ] satisfies [string, Answer][])("does not wait for ever: %s", async (_when, answer) => {
    const { client, requests } = await started(answer);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const call = client()
      .images()
      .catch((error: unknown) => error);
    while (requests.length === 0) await new Promise(setImmediate);
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await call).toBeInstanceOf(HotcellError);
  });

  it.each([
    ["before the answer", hang],
    ["within the answer", (response) => void response.writeHead(200).write("[")],
    ["within the refusal", (response) => void response.writeHead(404).write("{")],
  ] satisfies [string, Answer][])("ends at once by its signal: %s", async (_when, answer) => {
    const leaving = new AbortController();
    const { client } = await started((response, request) => {
      setTimeout(() => leaving.abort(new Error("enough")), 50);
      return answer(response, request);
    });
    await expect(client().images({ signal: leaving.signal })).rejects.toThrow("enough");
  });

  it("takes no answer that is larger than what could be one", async () => {
    const { client } = await started((response) => {
      response.writeHead(404);
      const more = (): void => {
        while (response.write(Buffer.alloc(65_536, " ")));
        response.once("drain", more);
      };
      more();
    });
    await expect(client().images()).rejects.toMatchObject({ code: "not_a_gateway" });
  });

  it("asks for sessions by what they are", async () => {
    const { client, requests } = await started((response) =>
      sendJson(response, 200, { sessions: [], next_cursor: null }),
    );
    const filter = { state: "running", limit: 5, metadata: { "a b": "c&d" } } as const;
    expect(await client().sessions(filter)).toEqual({ sessions: [], next_cursor: null });
    const query = new URL(requests[0]?.path ?? "", "http://x").searchParams;
    expect(Object.fromEntries(query)).toEqual({
      state: "running",
      limit: "5",
      "metadata.a b": "c&d",
    });
  });
});
