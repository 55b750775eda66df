import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";

let gateway: GatewayProcess;
let session: string;
beforeAll(async () => {
  gateway = await startGatewayProcess();
  session = await gateway.session({
    files: [
      { path: "given.txt", content: "from the start" },
      { path: "data/bytes.bin", content_base64: Buffer.from([0, 255, 1]).toString("base64") },
    ],
  });
});
afterAll(async () => gateway.close());

const at = (path: string) => `/v1/sessions/${session}/files/${path}`;
const get = (path: string, headers?: Record<string, string>) =>
  gateway.call("GET", at(path), undefined, headers);
const put = (path: string, bytes: Buffer<ArrayBuffer> | string) =>
  fetch(gateway.url + at(path), {
    method: "PUT",
    headers: { authorization: `Bearer ${gateway.key}` },
    body: bytes,
  });
const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;

describe("files", () => {
  it("given at creation are there when code first runs", async () => {
    const { text } = await gateway.execute(
      session,
      "open('given.txt').read(), open('data/bytes.bin', 'rb').read()",
    );
    expect(text).toBe("('from the start', b'\\x00\\xff\\x01')");
  });

  it("go in and come out byte for byte, with parents made", async () => {
    const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 7) % 256));
    expect((await put("a/b/c.bin", bytes)).status).toBe(201);
    expect((await put("a/b/c.bin", bytes)).status).toBe(204);
    const response = await get("a/b/c.bin");
    expect(response.headers.get("content-length")).toBe("3000000");
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    expect(response.headers.get("content-disposition")).toBe("attachment");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    expect((await gateway.execute(session, "import os; os.path.getsize('a/b/c.bin')")).text).toBe(
      "3000000",
    );
  });

  it("written by code are read from outside, with names as they are", async () => {
    await gateway.execute(session, "open('ü 100%?#&.txt', 'w').write('hi')\nopen('empty', 'w')");
    expect(await (await get(encodeURIComponent("ü 100%?#&.txt"))).text()).toBe("hi");
    const empty = await get("empty");
    expect([empty.status, await empty.text()]).toEqual([200, ""]);
  });

  it("are read in parts and not again when they have not changed", async () => {
    await put("part.txt", "0123456789");
    const part = await get("part.txt", { range: "bytes=2-4" });
    expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([
      206,
      "bytes 2-4/10",
      "234",
    ]);
    expect(await (await get("part.txt", { range: "bytes=-3" })).text()).toBe("789");
    expect((await get("part.txt", { range: "bytes=20-" })).status).toBe(416);
    const tag = (await get("part.txt")).headers.get("etag") ?? "";
    expect((await get("part.txt", { "if-none-match": tag })).status).toBe(304);
    await put("part.txt", "changed");
    expect((await get("part.txt", { "if-none-match": tag })).status).toBe(200);
    const head = await gateway.call("HEAD", at("part.txt"));
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([
      200,
      "7",
      "",
    ]);
  });

  it("are listed and removed", async () => {
    await put("dir/one", "1");
    await put("dir/two/three", "3");
    const listing = (await (await get("dir?list&depth=2")).json()) as {
      entries: { path: string; kind: string }[];
    };
    expect(listing.entries.map(({ path, kind }) => [path, kind])).toEqual([
      ["dir/one", "file"],
      ["dir/two", "directory"],
      ["dir/two/three", "file"],
    ]);
    expect(await codeOf(await get("dir"))).toBe("is_directory");
    expect((await gateway.call("DELETE", at("dir"))).status).toBe(204);
    expect(await codeOf(await get("dir/one"))).toBe("file_not_found");
    expect((await gateway.call("DELETE", at("dir"))).status).toBe(404);
  });

  it("outside the workspace are not to be had, by any path or link", async () => {
    await gateway.execute(
      session,
      "import os\nos.symlink('/etc', 'out')\nos.symlink('given.txt', 'in')\nos.mkfifo('fifo')",
    );
    expect(await (await get("in")).text()).toBe("from the start");
    for (const path of [
      "out/passwd",
      "..%2f..%2fetc%2fpasswd",
      "%2e%2e/x",
      "%2fetc%2fpasswd",
      "out",
    ]) {
      const response = await get(path);
      expect([path, response.status >= 400 && response.status < 500]).toEqual([path, true]);
    }
    expect(await codeOf(await get("fifo"))).toBe("not_a_regular_file");
    expect((await put("out/x", "x")).status).toBe(403);
    expect((await get("nul%00byte")).status).toBe(400);
    expect((await gateway.execute(session, "1")).text).toBe("1");
  });

  it("too large for the disk are refused, and leave no half", async () => {
    const small = await gateway.session({ limits: { disk_bytes: 8 * 1024 ** 2 } });
    const response = await fetch(`${gateway.url}/v1/sessions/${small}/files/big`, {
      method: "PUT",
      headers: { authorization: `Bearer ${gateway.key}` },
      body: Buffer.alloc(20 * 1024 ** 2),
    });
    expect(response.status).toBe(507);
    expect(await codeOf(response)).toBe("disk_full");
    expect(
      (
        await gateway.execute(
          small,
          "import os; sorted(f for f in os.listdir('.') if not f.startswith('.local'))",
        )
      ).text,
    ).toBe("[]");
  });
});
