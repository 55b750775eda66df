import { readdirSync, readlinkSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { childrenOf } from "../../runtimes/local/traces.js";
import { HostZygote } from "./host-zygote.js";
import { LinkedSandbox } from "./linked-sandbox.js";

/** The sockets and pipes that a process has open; their names tell each from all others. */
const openOf = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/fd`)
    .map((number) => readlinkSync(`/proc/${pid}/fd/${number}`))
    .filter((name) => /^(socket|pipe):/.test(name));

const common = (one: string[], other: string[]): string[] =>
  one.filter((name) => other.includes(name));

describe.skipIf(process.getuid?.() !== 0)("open descriptors (root looks at them)", () => {
  let zygote: HostZygote;
  let sandbox: LinkedSandbox;
  let userSide: number;
  let kernel: number;
  let ofFirstKernel: string[];
  beforeAll(async () => {
    zygote = await HostZygote.launch();
    // So that the zygote holds something: a listener, another sandbox.
    await zygote.events().next();
    await zygote.sandbox();
    sandbox = await LinkedSandbox.start(zygote);
    await sandbox.execute("pass");
    [userSide = 0] = childrenOf(sandbox.process.pid);
    [kernel = 0] = childrenOf(userSide);
    ofFirstKernel = openOf(kernel);
  });
  afterAll(async () => {
    await zygote.close();
    await sandbox.gateway.close();
  });

  it("of the zygote are in no process of a sandbox", () => {
    const held = openOf(zygote.pid);
    expect(held).not.toEqual([]);
    for (const pid of [sandbox.process.pid, userSide, kernel]) {
      expect(common(openOf(pid), held)).toEqual([]);
    }
  });

  it("of kerneld are on the user side for its console alone", () => {
    const console = readlinkSync(`/proc/${userSide}/fd/2`);
    const ofKerneld = openOf(sandbox.process.pid);
    expect(ofKerneld).toContain(console);
    for (const pid of [userSide, kernel]) {
      const shared = common(openOf(pid), ofKerneld).filter((name) => name !== console);
      expect(shared).toEqual([]);
    }
  });

  it("of the user side's first process are in no kernel, whether the first or a later one", async () => {
    const console = readlinkSync(`/proc/${userSide}/fd/2`);
    const later = await sandbox.send("POST", `/kernels/${sandbox.kernel}/restart`, {});
    later.destroy();
    await sandbox.execute("pass");
    const [second = 0] = childrenOf(userSide);
    expect(second).not.toBe(kernel);
    const held = openOf(userSide).filter((name) => name !== console);
    expect(held.length).toBeGreaterThanOrEqual(3);
    expect(common(ofFirstKernel, held)).toEqual([]);
    expect(common(openOf(second), held)).toEqual([]);
  });
});
