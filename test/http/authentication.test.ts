import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { KEY, startTestGateway, type TestGateway } from "./test-gateway.js";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
  await gateway.call("POST", "/v1/sessions", { id: "s" });
});
afterAll(async () => gateway.close());

const get = (path: string, headers: Record<string, string>) =>
  fetch(gateway.url + path, { headers, redirect: "manual" });

/** `fetch` does not let its caller choose Host. */
function statusWithHost(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request(`${gateway.url}/v1/sessions`, {
      headers: { host, authorization: `Bearer ${KEY}` },
    });
    call.once("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    call.once("error", reject);
    call.end();
  });
}

describe("authentication", () => {
  it.each([
    [{ authorization: `Bearer ${KEY}` }, 200],
    [{ authorization: `bearer ${KEY}` }, 200],
    [{ authorization: `token ${KEY}` }, 200],
    [{ "x-api-key": KEY }, 200],
    [{}, 401],
    [{ authorization: "Bearer wrong" }, 401],
    [{ authorization: `Basic ${KEY}` }, 401],
    [{ "x-api-key": "" }, 401],
    [{ cookie: "hotcell=default.9999999999.forged" }, 401],
  ] as [Record<string, string>, number][])("%j answers %i", async (headers, status) => {
    const response = await get("/v1/sessions", headers);
    expect(response.status).toBe(status);
    if (status === 401) expect(response.headers.get("www-authenticate")).toContain("Bearer");
  });

  it("does not take a token from the address of an API call", async () => {
    expect((await get(`/v1/sessions?token=${KEY}`, {})).status).toBe(401);
  });

  it("trades a browser's token for a cookie and takes it out of the address", async () => {
    const response = await get(`/?token=${KEY}&a=b`, { accept: "text/html,*/*" });
    expect(response.status).toBe(303);
    expect(response.headers.get("location")).toBe("/?a=b");
    const cookie = response.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/HttpOnly/);
    expect(cookie).toMatch(/SameSite=Strict/);
    expect(cookie).not.toContain(KEY);
    const pair = cookie.split(";")[0] ?? "";
    expect((await get("/v1/sessions", { cookie: pair })).status).toBe(200);
    const forged = pair.replace("default", "other");
    expect((await get("/v1/sessions", { cookie: forged })).status).toBe(401);
    expect((await get("/?token=wrong", { accept: "text/html" })).status).toBe(401);
  });

  it("never redirects to another host", async () => {
    const response = await get(`//evil.example/?token=${KEY}`, { accept: "text/html" });
    expect(response.headers.get("location") ?? "/").toMatch(/^\/(?!\/)/);
  });

  it("refuses names that are not the gateway's, so that no page can rebind to it", async () => {
    expect(await statusWithHost("evil.example")).toBe(403);
    expect(await statusWithHost("localhost:1234")).toBe(200);
  });

  it("refuses pages of other origins", async () => {
    const origins = [
      "http://evil.example",
      "null",
      gateway.url.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10)),
    ];
    for (const origin of origins) {
      expect((await get("/v1/sessions", { authorization: `Bearer ${KEY}`, origin })).status).toBe(
        403,
      );
    }
    expect(
      (await get("/v1/sessions", { authorization: `Bearer ${KEY}`, origin: gateway.url })).status,
    ).toBe(200);
  });

  it("guards the WebSocket before the upgrade", async () => {
    const refused = (headers: Record<string, string>) =>
      new Promise<number>((resolve, reject) => {
        const socket = new WebSocket(`${gateway.url.replace("http", "ws")}/v1/sessions/s/stream`, {
          headers,
        });
        socket.once("unexpected-response", (_request, response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        socket.once("open", () => {
          socket.close();
          reject(new Error("it was let in"));
        });
        socket.once("error", () => undefined);
      });
    expect(await refused({})).toBe(401);
    expect(await refused({ authorization: `Bearer ${KEY}`, origin: "http://evil.example" })).toBe(
      403,
    );
  });

  it("needs no key for health, readiness and the description of the API", async () => {
    for (const path of ["/healthz", "/readyz", "/openapi.json"]) {
      expect((await get(path, {})).status).toBe(200);
    }
    for (const path of ["/docs", "/docs/static/swagger-ui.css"]) {
      expect((await get(path, {})).status).toBe(200);
    }
    expect((await get("/docs/nothing", {})).status).toBe(404);
  });
});
