import { once } from "node:events";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HostZygote, REQUEST, startTime } from "./host-zygote.js";
import { LinkedSandbox } from "./linked-sandbox.js";

describe("a zygote on the host", () => {
  let zygote: HostZygote;
  beforeAll(async () => {
    zygote = await HostZygote.launch();
  });
  afterAll(() => zygote.close());

  it("is ready when its launcher says so, with its pid and start time", async () => {
    expect(zygote.answer.ok).toBe(true);
    expect(zygote.answer["started"]).toBe(await startTime(zygote.pid));
  });

  it("lets nobody but its owner dial", async () => {
    for (const name of ["control", "events"]) {
      const { mode } = await stat(join(zygote.directory, "sockets", `${name}.sock`));
      expect(mode & 0o777).toBe(0o600);
    }
  });

  it("tells those who listen which sandboxes run, and how each ends", async () => {
    const before = await zygote.fork();
    const events = zygote.events();
    expect(await events.next()).toEqual({ children: [before.pid] });
    process.kill(before.pid, "SIGKILL");
    expect(await events.next()).toEqual({ pid: before.pid, exit_code: null, signal: 9 });
  });

  it("makes nothing for a connection that ends before its request", async () => {
    const events = zygote.events();
    await events.next();
    const forked = await zygote.fork();
    forked.socket.end();
    expect(await events.next()).toEqual({ pid: forked.pid, exit_code: 0, signal: null });
  });

  it.each([
    ["no JSON", "garbage\n"],
    ["no object", "[]\n"],
    ["more than one line", "{}\n{}\n"],
    ["a link that leads elsewhere", `${JSON.stringify({ ...REQUEST, link: "../sockets" })}\n`],
    ["limits of the wrong kind", `${JSON.stringify({ ...REQUEST, link: "a", limits: [] })}\n`],
    ["more than 64 KiB", `${"x".repeat(70_000)}\n`],
  ])("refuses a request that is %s, and goes on", async (_, text) => {
    const forked = await zygote.fork();
    forked.socket.write(text);
    expect(await forked.lines.next()).toMatchObject({ ok: false, code: "setup_failed" });
    expect((await zygote.sandbox()).answer.ok).toBe(true);
  });

  it("refuses a link that is not there", async () => {
    const { answer } = await zygote.sandbox({ link: "missing" });
    expect(answer).toMatchObject({ ok: false, code: "link_missing" });
  });

  it("refuses a program that is not in the image", async () => {
    const { answer } = await zygote.sandbox({ program: ["/usr/bin/no-such-program"] });
    expect(answer).toMatchObject({ ok: false, code: "program_missing" });
  });

  it("refuses an id that is not mapped", async () => {
    const { answer } = await zygote.sandbox({ id: 70_000 });
    expect(answer).toMatchObject({ ok: false, code: "setup_failed" });
  });

  it("gives a kernel the environment and the directory of its session", async () => {
    const sandbox = await LinkedSandbox.start(zygote, { env: { COLOUR: "green" } });
    expect(
      await sandbox.execute("import os; print(os.environ['COLOUR'], os.getcwd(), os.getuid())"),
    ).toBe("green /workspace/project 1000\n");
    await sandbox.gateway.close();
  });

  it("ends a sandbox whose link was deleted, once its gateway is gone", async () => {
    const events = zygote.events();
    await events.next();
    const { gateway, process } = await LinkedSandbox.start(zygote, { name: "deleted" });
    await gateway.close();
    await rm(join(zygote.directory, "links", "deleted"), { recursive: true });
    expect(await events.next()).toEqual({ pid: process.pid, exit_code: 75, signal: null });
  });

  it("counts no references to what every sandbox shares: a kernel that uses it has no copy of it", async () => {
    const sandbox = await LinkedSandbox.start(zygote);
    const code = `
import asyncio, sys
shared = [asyncio, asyncio.run, asyncio.run.__code__.co_consts[0]]
print([sys.getrefcount(part) == sys.getrefcount(None) for part in shared])`;
    expect(await sandbox.execute(code)).toBe("[True, True, True]\n");
    await sandbox.gateway.close();
  });

  it("collects what user code leaves to the first process of its side", async () => {
    const sandbox = await LinkedSandbox.start(zygote);
    await sandbox.execute(`
import os, time
reader, writer = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        os.setsid()
        os.write(writer, str(os.getpid()).encode())
    os._exit(0)
os.wait()
orphan = int(os.read(reader, 20))
`);
    expect(
      await sandbox.execute(`
while os.path.exists(f"/proc/{orphan}"):
    time.sleep(0.01)
print("collected")`),
    ).toBe("collected\n");
    await sandbox.gateway.close();
  });

  it("shows a sandbox nothing of what an earlier one was told", async () => {
    const secret = `secret-of-another-${"0123456789abcdef".repeat(2)}`;
    const earlier = await LinkedSandbox.start(zygote, { name: secret, env: { SECRET: secret } });
    expect(await earlier.execute("import os; print(os.environ['SECRET'])")).toBe(`${secret}\n`);
    const later = await LinkedSandbox.start(zygote);
    const found = await later.execute(`
import re
pattern = re.compile(rb"secret-of-(?:)another-[0-9a-f]{32}")
places, count = 0, 0
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
    for line in maps:
        span, mode = line.split()[:2]
        if mode[0] == "r" and "[v" not in line:
            start, end = (int(part, 16) for part in span.split("-"))
            memory.seek(start)
            places += 1
            count += len(pattern.findall(memory.read(end - start) or b""))
print(places > 100, count)`);
    expect(found).toBe("True 0\n");
    await earlier.gateway.close();
    await later.gateway.close();
  });
});

describe("when a zygote ends", () => {
  it("its sandboxes go on without it", async () => {
    const zygote = await HostZygote.launch();
    const sandbox = await LinkedSandbox.start(zygote);
    try {
      const events = zygote.events();
      await events.next();
      process.kill(zygote.pid, "SIGKILL");
      await expect(events.next()).rejects.toThrow("ended");
      expect(await sandbox.execute("print(6 * 7)")).toBe("42\n");
    } finally {
      process.kill(sandbox.process.pid, "SIGKILL");
      await sandbox.gateway.close();
      await zygote.close();
    }
  });

  it("it was by itself, ten seconds after it was last of use", async () => {
    const zygote = await HostZygote.launch();
    // Its end of the pipe is the last.
    await once(zygote.log, "end");
    const [error] = (await once(zygote.connect("control"), "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNREFUSED");
    await zygote.close();
  });
});
