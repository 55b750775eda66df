import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Sandbox } from "./sandbox.js";

describe("user code", () => {
  let sandbox: Sandbox;
  let kernel: string;

  beforeAll(async () => {
    [sandbox, kernel] = await Sandbox.withKernel();
  });
  afterAll(() => sandbox.close());

  test.each([
    ["list kerneld's directory", "os.listdir('/run/kerneld')"],
    ["reach the gateway's socket", "socket.socket(socket.AF_UNIX).connect(SOCKET)"],
    ["read kerneld's environment", "open('/proc/1/environ').read()"],
    ["read kerneld's memory map", "open('/proc/1/maps').read()"],
    ["open kerneld's memory", "open('/proc/1/mem', 'rb')"],
    ["list kerneld's descriptors", "os.listdir('/proc/1/fd')"],
    ["interrupt kerneld", "os.kill(1, signal.SIGINT)"],
    ["stop kerneld", "os.kill(1, signal.SIGSTOP)"],
    ["kill kerneld", "os.kill(1, signal.SIGKILL)"],
    ["limit kerneld", "resource.prlimit(1, resource.RLIMIT_NOFILE, (10, 10))"],
    ["slow kerneld down", "os.setpriority(os.PRIO_PROCESS, 1, 19)"],
    ["pin kerneld", "os.sched_setaffinity(1, {0})"],
  ])("cannot %s", async (_, attempt) => {
    const code = `
import os, resource, signal, socket
SOCKET = '/run/kerneld/link/gateway.sock'
${attempt}`;
    const run = await sandbox.execute(kernel, code);
    expect(run.of("error")[0]?.content).toMatchObject({ ename: "PermissionError" });
  });

  test("finds that kerneld's memory and descriptors are not even for processes of its own id", async () => {
    // Of a process that can be dumped they would belong to its own id (proc(5)).
    const code =
      "import os; print({os.stat(f'/proc/1/{n}').st_uid for n in ('environ', 'maps', 'mem', 'fd')})";
    expect((await sandbox.execute(kernel, code)).text("stdout")).toBe("{0}\n");
  });

  test("has no capability and no way to one", async () => {
    const code =
      "print(*[l for l in open('/proc/self/status') if l[:3] in ('Cap', 'NoN')], sep='')";
    const lines = (await sandbox.execute(kernel, code)).text("stdout").trim().split("\n");
    for (const line of lines.filter((text) => text.startsWith("Cap")))
      expect(line).toMatch(/\t0{16}$/);
    expect(lines).toContain("NoNewPrivs:\t1");
  });

  test("finds neither key nor boot id in what its process has of kerneld's", async () => {
    const { json } = await sandbox.send("GET", "/state");
    const { boot } = json as { boot: string };
    const code = `
import os
found = []
for line in open('/proc/self/maps'):
    span, mode = line.split()[:2]
    if not mode.startswith('rw'): continue
    start, end = (int(part, 16) for part in span.split('-'))
    with open('/proc/self/mem', 'rb', 0) as memory:
        memory.seek(start)
        try: data = memory.read(end - start)
        except OSError: continue
    for first, second in (${pieces(sandbox.gateway.key.toString("hex"))}, ${pieces(boot)}):
        at = data.find(first)
        while at >= 0:
            if data.startswith(second, at + len(first)): found.append(first)
            at = data.find(first, at + 1)
print(found)`;
    expect((await sandbox.execute(kernel, code)).text("stdout")).toBe("[]\n");
  });
});

/** A secret as Python bytes in two parts, so that the code itself does not hold it whole. */
function pieces(hex: string): string {
  const half = hex.length / 2;
  return `(bytes('${hex.slice(0, half)}', 'ascii'), bytes('${hex.slice(half)}', 'ascii'))`;
}

describe("a sandbox whose zygote user code has", () => {
  test.each([
    ["killed", "SIGKILL"],
    ["stopped", "SIGSTOP"],
  ])("%s ends, and says why", async (_, signal) => {
    const [sandbox, kernel] = await Sandbox.withKernel();
    try {
      await sandbox.put(kernel, `import os, signal; os.kill(os.getppid(), signal.${signal})`);
      expect(await sandbox.exited()).toBe(70);
      expect((await sandbox.log()).trim().split("\n").at(-1)).toMatch(
        /^kerneld: the sandbox ends: the zygote is lost/,
      );
    } finally {
      await sandbox.close();
    }
  });
});
