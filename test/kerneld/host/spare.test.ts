import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { childrenOf } from "../../runtimes/local/traces.js";
import { HostZygote } from "./host-zygote.js";
import { LinkedSandbox } from "./linked-sandbox.js";

describe("the kernel that is started before anybody has asked for one", () => {
  let zygote: HostZygote;
  beforeAll(async () => {
    zygote = await HostZygote.launch();
  });
  afterAll(() => zygote.close());

  it("is the one that is asked for", async () => {
    let spare: number[] = [];
    const sandbox = await LinkedSandbox.start(zygote, {
      async beforeUse({ pid }) {
        const [userSide = 0] = childrenOf(pid);
        await expect.poll(() => (spare = childrenOf(userSide))).toHaveLength(1);
      },
    });
    onTestFinished(() => sandbox.gateway.close());
    expect(await sandbox.execute("print(6 * 7)")).toBe("42\n");
    expect(childrenOf(childrenOf(sandbox.process.pid)[0] ?? 0)).toEqual(spare);
  });

  it("has another in its place when it has died before", async () => {
    const sandbox = await LinkedSandbox.start(zygote, {
      async beforeUse({ pid }) {
        const [userSide = 0] = childrenOf(pid);
        await expect.poll(() => childrenOf(userSide)).toHaveLength(1);
        for (const spare of childrenOf(userSide)) process.kill(spare, "SIGKILL");
        await expect.poll(() => childrenOf(userSide)).toEqual([]);
      },
    });
    onTestFinished(() => sandbox.gateway.close());
    expect(await sandbox.execute("print(6 * 7)")).toBe("42\n");
  });
});
