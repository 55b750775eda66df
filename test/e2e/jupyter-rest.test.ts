import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";

let gateway: GatewayProcess;
let session: string;
beforeAll(async () => {
  gateway = await startGatewayProcess({ keepSessions: true });
  session = await gateway.session();
});
afterAll(() => gateway.close());

interface Answer {
  status: number;
  headers: Headers;
  body: unknown;
}

/** Asks as Jupyter's clients do: a JSON type with an empty body, or JSON as plain text. */
async function ask(
  method: string,
  path: string,
  options: { body?: unknown; type?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(gateway.url + path, {
    method,
    headers: {
      authorization: `token ${gateway.key}`,
      ...(method === "GET" ? {} : { "content-type": options.type ?? "application/json" }),
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") === true;
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? (JSON.parse(text) as unknown) : text,
  };
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const model = (id: unknown = expect.stringMatching(UUID)) => ({
  id,
  name: "python3",
  last_activity: expect.stringMatching(/Z$/) as string,
  execution_state: expect.stringMatching(/^(starting|idle|busy)$/) as string,
  connections: 0,
});

describe.each(["/jupyter", "of a session"])("the Jupyter Server API, %s", (kind) => {
  let base: string;
  beforeAll(() => {
    base = kind === "/jupyter" ? kind : `/v1/sessions/${session}/jupyter`;
  });

  it("tells its version without a key, and nothing else", async () => {
    const open = { headers: { authorization: "" } };
    expect(await ask("GET", `${base}/api`, open)).toMatchObject({
      status: 200,
      body: { version: expect.stringMatching(/^2\./) as string },
    });
    expect((await ask("GET", `${base}/api/kernels`, open)).status).toBe(401);
    expect((await ask("GET", `${base}/tree?`, open)).status).toBe(404);
    expect((await ask("GET", `${base}/`, open)).status).toBe(404);
  });

  it("takes the key as Bearer, as token in any case, and in the address", async () => {
    for (const authorization of [`Bearer ${gateway.key}`, `TOKEN ${gateway.key}`])
      expect((await ask("GET", `${base}/api/status`, { headers: { authorization } })).status).toBe(
        200,
      );
    const headers = { authorization: "" };
    const path = `${base}/api/status?token=${gateway.key}`;
    expect((await ask("GET", path, { headers })).status).toBe(200);
    expect((await ask("GET", `${base}/api/status?token=wrong`, { headers })).status).toBe(401);
  });

  it("describes itself, its user and its kernels", async () => {
    expect((await ask("GET", `${base}/api/status?1732215600000`)).body).toMatchObject({
      kernels: expect.any(Number) as number,
      connections: 0,
    });
    const permissions = encodeURIComponent('{"kernels":["read","execute"],"contents":["read"]}');
    expect((await ask("GET", `${base}/api/me?permissions=${permissions}`)).body).toMatchObject({
      identity: { username: "default" },
      permissions: { kernels: ["read", "execute"], contents: [] },
    });
    const specs = (await ask("GET", `${base}/api/kernelspecs?1732215600000`)).body;
    expect(specs).toMatchObject({
      default: "python3",
      kernelspecs: { python3: { name: "python3", spec: { language: "python" } } },
    });
    const { resources } = (await ask("GET", `${base}/api/kernelspecs/python3`)).body as {
      resources: Record<string, string>;
    };
    const logo = await ask("GET", resources["logo-svg"] ?? "");
    expect(logo.headers.get("content-type")).toBe("image/svg+xml");
    expect(logo.body).toMatch(/^<svg/);
    expect((await ask("GET", `${base}/api/kernelspecs/cobol`)).status).toBe(404);
    expect((await ask("GET", `${base}/kernelspecs/python3/kernel.js`)).status).toBe(404);
    expect((await ask("GET", `${base}/api/spec.yaml`)).body).toMatch(/\/jupyter\/api\/kernels:/);
    expect((await ask("GET", `${base}/api/terminals`)).body).toEqual([]);
    expect((await ask("GET", `${base}/api/contents`)).status).toBe(404);
  });

  it("starts, shows, interrupts, restarts and ends a kernel", async () => {
    const made = await ask("POST", `${base}/api/kernels`, {
      body: { name: "python3", path: null, env: { KERNEL_LAUNCH_TIMEOUT: "40", BROKEN: 1 } },
      type: "text/plain;charset=UTF-8",
    });
    expect(made).toMatchObject({ status: 201, body: model() });
    const { id } = made.body as { id: string };
    expect(made.headers.get("location")).toBe(`${base}/api/kernels/${id}`);
    const own = `${base}/api/kernels/${id}`;
    expect((await ask("GET", `${base}/api/kernels?17`)).body).toContainEqual(model(id));
    expect(await ask("GET", `${own}?17`)).toMatchObject({ status: 200, body: model(id) });
    expect((await ask("POST", `${own}/interrupt`)).status).toBe(204);
    expect((await ask("POST", `${own}/interrupt`, { body: {} })).status).toBe(204);
    expect(await ask("POST", `${own}/restart`)).toMatchObject({ status: 200, body: model(id) });
    expect((await ask("DELETE", own)).status).toBe(204);
    for (const [method, path] of [
      ["GET", own],
      ["DELETE", own],
      ["POST", `${own}/interrupt`],
      ["POST", `${own}/restart`],
      ["GET", `${base}/api/kernels/${randomUUID()}`],
      ["GET", `${base}/api/kernels/nonsense`],
    ] as const)
      expect((await ask(method, path)).status, `${method} ${path}`).toBe(404);
  });

  it("starts a kernel for a request without any body, and of the id that is asked for", async () => {
    const made = await ask("POST", `${base}/api/kernels`);
    expect(made.status).toBe(201);
    const id = randomUUID();
    const chosen = await ask("POST", `${base}/api/kernels`, { body: { kernel_id: id } });
    expect(chosen).toMatchObject({ status: 201, body: model(id) });
    const again = await ask("POST", `${base}/api/kernels`, { body: { kernel_id: id } });
    expect(again.status).toBe(409);
    for (const kernel of [id, (made.body as { id: string }).id])
      expect((await ask("DELETE", `${base}/api/kernels/${kernel}`)).status).toBe(204);
  });

  it("refuses bad input in Jupyter's words", async () => {
    expect(await ask("POST", `${base}/api/kernels`, { body: { name: "cobol" } })).toMatchObject({
      status: 501,
      body: {
        code: "kernelspec_unavailable",
        message: expect.stringContaining("cobol") as string,
        short_message: expect.any(String) as string,
      },
    });
    expect((await ask("POST", `${base}/api/kernels`, { body: [] })).status).toBe(400);
    expect((await ask("POST", `${base}/api/sessions`, { body: { type: "notebook" } })).status).toBe(
      400,
    );
    const unknown = { path: "x", kernel: { id: randomUUID() } };
    expect((await ask("POST", `${base}/api/sessions`, { body: unknown })).status).toBe(404);
    const response = await fetch(`${gateway.url}${base}/api/kernels`, {
      method: "POST",
      headers: { authorization: `token ${gateway.key}`, "content-type": "text/plain" },
      body: "{",
    });
    expect(response.status).toBe(400);
  });

  it("gives documents kernels", async () => {
    const path = `${randomUUID()}.ipynb`;
    const body = { path, name: "n", type: "notebook", kernel: { name: "python3" } };
    const made = await ask("POST", `${base}/api/sessions`, { body });
    expect(made).toMatchObject({ status: 201, body: { path, type: "notebook", kernel: model() } });
    const { id, kernel } = made.body as { id: string; kernel: { id: string } };
    expect(made.headers.get("location")).toBe(`${base}/api/sessions/${id}`);
    const again = await ask("POST", `${base}/api/sessions`, { body });
    expect(again).toMatchObject({ status: 201, body: { id, kernel: { id: kernel.id } } });
    const same = { ...body, id, path: "another" };
    expect((await ask("POST", `${base}/api/sessions`, { body: same })).status).toBe(409);
    const own = `${base}/api/sessions/${id}`;
    expect((await ask("GET", own)).status).toBe(200);
    const renamed = await ask("PATCH", own, { body: { path: `renamed-${path}` } });
    expect(renamed.body).toMatchObject({ id, path: `renamed-${path}`, kernel: { id: kernel.id } });
    const unknown = await ask("PATCH", own, { body: { kernel: { name: "cobol" } } });
    expect(unknown.status).toBe(501);
    const changed = await ask("PATCH", own, { body: { kernel: { name: "python3" } } });
    const next = (changed.body as { kernel: { id: string } }).kernel.id;
    expect(next).not.toBe(kernel.id);
    expect((await ask("GET", `${base}/api/kernels/${kernel.id}`)).status).toBe(404);
    expect((await ask("DELETE", `${base}/api/kernels/${next}`)).status).toBe(204);
    expect((await ask("DELETE", own)).status).toBe(410);
    expect((await ask("GET", own)).status).toBe(404);
  });
});

describe("a kernel with a session of its own", () => {
  it("ends with it, and the session with the kernel", async () => {
    const made = await ask("POST", "/jupyter/api/kernels", { body: {} });
    const { id } = made.body as { id: string };
    const about = `/v1/sessions/jupyter-${id}`;
    expect((await ask("GET", about)).body).toMatchObject({ kernels: [{ id }] });
    expect((await ask("DELETE", `/jupyter/api/kernels/${id}`)).status).toBe(204);
    expect((await ask("GET", about)).status).toBe(410);
  });

  it("is there again, with its document, after the gateway was restarted", async () => {
    const body = { path: "kept.ipynb", type: "notebook", kernel: { name: "python3" } };
    const made = (await ask("POST", "/jupyter/api/sessions", { body })).body as {
      id: string;
      kernel: { id: string };
    };
    const stopped = gateway;
    await stopped.stop();
    gateway = await startGatewayProcess({ home: stopped.home });
    const path = `/jupyter/api/sessions/${made.id}`;
    expect((await ask("GET", path)).body).toMatchObject({
      path: "kept.ipynb",
      kernel: { id: made.kernel.id },
    });
    const kernels = (await ask("GET", "/jupyter/api/kernels")).body as { id: string }[];
    expect(kernels.map(({ id }) => id)).toContain(made.kernel.id);
    expect((await ask("DELETE", path)).status).toBe(204);
  });
});
