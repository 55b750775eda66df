import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Sandbox } from "./sandbox.js";

let sandbox: Sandbox;
let kernel: string;

beforeAll(async () => {
  [sandbox, kernel] = await Sandbox.withKernel();
});
afterAll(() => sandbox.close());

test("a file is written, read back in parts, described, listed and deleted", async () => {
  const data = randomBytes(5_000_000);
  const path = "/files?path=data%2Fdeep%20er%2Fa.bin";
  expect((await sandbox.send("PUT", path, data)).status).toBe(201);
  expect((await sandbox.send("PUT", path, data)).status).toBe(204);
  const whole = await sandbox.send("GET", path);
  expect(whole.body.equals(data)).toBe(true);
  expect(whole.headers["x-file-size"]).toBe("5000000");
  const part = await sandbox.send("GET", `${path}&offset=1000&length=10`);
  expect(part.body).toEqual(data.subarray(1000, 1010));
  const stat = await sandbox.send("GET", path.replace("files", "files/stat"));
  expect(stat.json).toMatchObject({ kind: "file", size: 5_000_000 });
  expect((stat.json as { mtime_ns: string }).mtime_ns).toBe(whole.headers["x-file-mtime-ns"]);
  const list = await sandbox.send("GET", "/files/list?path=data&depth=2");
  expect((list.json as { entries: { path: string }[] }).entries.map((entry) => entry.path)).toEqual(
    ["data/deep er", "data/deep er/a.bin"],
  );
  expect((await sandbox.send("DELETE", "/files?path=data")).status).toBe(204);
  expect(await sandbox.send("GET", path)).toMatchObject({
    status: 404,
    json: { code: "file_not_found" },
  });
});

test("code and files see the same workspace", async () => {
  await sandbox.send("PUT", "/files?path=in.txt", Buffer.from("hello"));
  const code = "open('out.txt', 'w').write(open('in.txt').read().upper())";
  await sandbox.execute(kernel, code);
  expect((await sandbox.send("GET", "/files?path=out.txt")).body.toString()).toBe("HELLO");
});

test("an upload that breaks off leaves nothing", async () => {
  const { socket } = await sandbox.gateway.accepted("spare");
  const listed = sandbox.until("after=0", (head) => head.event === "execution_finished");
  await sandbox.execute(kernel, "1");
  await listed;
  socket.write("PUT /files?path=half.bin HTTP/1.1\r\nHost: s\r\nContent-Length: 1000000\r\n\r\n");
  socket.write(Buffer.alloc(500_000));
  socket.end();
  await expect
    .poll(async () => (await sandbox.send("GET", "/files/list?path=.&depth=1")).json)
    .toEqual({
      entries: expect.not.arrayContaining([
        expect.objectContaining({ path: expect.stringContaining("half") as string }),
      ]) as unknown,
      truncated: false,
    });
});

test("what is no file is refused by its kind", async () => {
  await sandbox.execute(kernel, "import os; os.mkfifo('pipe'); os.makedirs('folder')");
  expect(await sandbox.send("GET", "/files?path=pipe")).toMatchObject({
    status: 409,
    json: { code: "not_a_regular_file" },
  });
  expect(await sandbox.send("GET", "/files?path=folder")).toMatchObject({
    status: 409,
    json: { code: "is_directory" },
  });
  expect(await sandbox.send("GET", "/files?path=..%2F..%2Fetc%2Fpasswd")).toMatchObject({
    status: 422,
    json: { code: "invalid_path" },
  });
  expect(await sandbox.send("GET", "/files")).toMatchObject({ status: 400 });
});

test("a file that does not fit is refused, and the sandbox goes on", async () => {
  const big = Buffer.alloc(300_000_000);
  expect(await sandbox.send("PUT", "/files?path=big.bin", big)).toMatchObject({
    status: 507,
    json: { code: "disk_full" },
  });
  expect((await sandbox.execute(kernel, "1+1")).finished["status"]).toBe("ok");
});
