import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listSite } from "../../src/http/playground/site.js";
import { KEY, startTestGateway, type TestGateway } from "./test-gateway.js";

const SCRIPT = "export const answer = 42;\n".repeat(100);
const PAGE = '<!doctype html><script type="module" src="./assets/main-a1.js"></script>';

let directory: string;
let gateway: TestGateway;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hc-"));
});
afterEach(async () => {
  await gateway.close();
  await rm(directory, { recursive: true, force: true });
});

async function start(files: Record<string, string | Buffer>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(directory, name, ".."), { recursive: true });
    await writeFile(join(directory, name), content);
  }
  gateway = await startTestGateway({ playground: await listSite(directory) });
}

const SITE = {
  "index.html": PAGE,
  "frame.html": "<!doctype html>",
  "assets/main-a1.js": SCRIPT,
  "assets/main-a1.js.br": brotliCompressSync(SCRIPT),
  "assets/main-a1.js.gz": gzipSync(SCRIPT),
  "assets/font-b2.woff2": Buffer.from([1, 2, 3]),
};

/** A request as a browser without a key sends it; nothing is decoded. */
const get = (path: string, headers: Record<string, string> = {}) =>
  new Promise<{ status: number; headers: Record<string, string>; body: Buffer }>(
    (resolve, reject) => {
      const call = request(`${gateway.url}/`, { path, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers as Record<string, string>,
            body: Buffer.concat(chunks),
          }),
        );
      });
      call.on("error", reject);
      call.end();
    },
  );

const directives = (headers: Record<string, string>) =>
  new Map(
    (headers["content-security-policy"] ?? "").split("; ").map((directive) => {
      const [name = "", ...values] = directive.split(" ");
      return [name, values.join(" ")];
    }),
  );

describe("the playground", () => {
  it("is at / for everybody, and asked for anew each time", async () => {
    await start(SITE);
    const { status, headers, body } = await get("/");
    expect(status).toBe(200);
    expect(body.toString()).toBe(PAGE);
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(headers["cache-control"]).toBe("no-cache");
    const again = await get("/", { "if-none-match": headers["etag"] ?? "" });
    expect(again.status).toBe(304);
    expect(again.body).toHaveLength(0);
    expect(again.headers["content-security-policy"]).toBe(headers["content-security-policy"]);
  });

  it("may run its own scripts only, speak to this gateway only, and stand in no frame", async () => {
    await start(SITE);
    const { headers } = await get("/");
    const policy = directives(headers);
    expect(policy.get("default-src")).toBe("'none'");
    expect(policy.get("script-src")).toBe("'self'");
    expect(policy.get("style-src")).toBe("'self'");
    expect(policy.get("connect-src")).toBe("'self'");
    for (const closed of ["base-uri", "form-action", "frame-ancestors"]) {
      expect(policy.get(closed)).toBe("'none'");
    }
    expect(headers).toMatchObject({
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "cross-origin-opener-policy": "same-origin",
    });
    expect(headers["permissions-policy"]).toContain("camera=()");
  });

  it("has a frame for outputs whose origin is opaque and which reaches nobody", async () => {
    await start(SITE);
    const { status, headers } = await get("/frame.html");
    expect(status).toBe(200);
    const policy = directives(headers);
    expect(policy.get("sandbox")).toBe("allow-scripts");
    expect(policy.get("default-src")).toBe("'none'");
    expect(policy.get("connect-src")).toBe("'none'");
    expect(policy.get("script-src")).not.toContain("unsafe-inline");
    expect(policy.get("frame-ancestors")).toBe("'self'");
  });

  it("gives assets to the frame, whose requests come from no origin, and keeps everything else from it", async () => {
    await start(SITE);
    const origin = { origin: "null" };
    const asset = await get("/assets/main-a1.js", origin);
    expect(asset.status).toBe(200);
    expect(asset.headers).toMatchObject({
      "access-control-allow-origin": "*",
      "cross-origin-resource-policy": "cross-origin",
    });
    const key = { authorization: `Bearer ${KEY}` };
    expect((await get("/v1/sessions", { ...origin, ...key })).status).toBe(403);
    expect((await get("/", origin)).status).toBe(403);
    expect((await get("/assets/main-a1.js", { host: "elsewhere.example" })).status).toBe(403);
  });

  it("sends assets as small as the client takes them, to be kept for good", async () => {
    await start(SITE);
    const path = "/assets/main-a1.js";
    const brotli = await get(path, { "accept-encoding": "gzip, br;q=0.5" });
    expect(brotli.headers).toMatchObject({
      "content-encoding": "br",
      "content-type": "text/javascript; charset=utf-8",
      "cache-control": "public, max-age=31536000, immutable",
      vary: "accept-encoding",
    });
    expect(brotli.body).toEqual(SITE["assets/main-a1.js.br"]);
    const gzip = await get(path, { "accept-encoding": "gzip, br;q=0" });
    expect(gzip.headers["content-encoding"]).toBe("gzip");
    expect(gzip.body).toEqual(SITE["assets/main-a1.js.gz"]);
    const plain = await get(path);
    expect(plain.headers["content-encoding"]).toBeUndefined();
    expect(plain.body.toString()).toBe(SCRIPT);
    expect(new Set([brotli, gzip, plain].map(({ headers }) => headers["etag"])).size).toBe(3);
    const font = await get("/assets/font-b2.woff2", { "accept-encoding": "br" });
    expect(font.headers["content-type"]).toBe("font/woff2");
    expect(font.headers["content-encoding"]).toBeUndefined();
    expect(font.body).toEqual(Buffer.from([1, 2, 3]));
  });

  it("leads nowhere else: there are no files but those of the build", async () => {
    await start({ ...SITE, "assets/lone.br": "x" });
    await writeFile(join(directory, "later.html"), "x");
    const paths = [
      ...["/later.html", "/index.html", "/assets/", "/assets", "/assets/main-a1.js.br"],
      ...[
        "/../package.json",
        "/assets/../../x",
        "/assets/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%2findex.html",
      ],
      "//etc/passwd",
    ];
    const key = { authorization: `Bearer ${KEY}` };
    for (const path of paths) expect((await get(path, key)).status, path).toBe(404);
    expect((await get("/assets/lone.br")).status).toBe(200);
  });

  it("is where a link with a key ends, with a cookie instead of the key", async () => {
    await start(SITE);
    const page = { accept: "text/html" };
    const link = await get(`/?token=${KEY}`, page);
    expect(link.status).toBe(303);
    expect(link.headers["location"]).toBe("/");
    const cookie = String(link.headers["set-cookie"]).split(";")[0] ?? "";
    expect((await get("/v1/sessions", { cookie })).status).toBe(200);
    expect((await get("/?token=wrong", page)).status).toBe(401);
  });

  it("says in words that it was not built", async () => {
    await start({});
    const { status, headers, body } = await get("/");
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(body.toString()).toMatch(/not built.*npm run build.*\/docs/s);
  });
});
