import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HostZygote } from "./host-zygote.js";
import { runPython } from "./interpreter.js";
import { LinkedSandbox } from "./linked-sandbox.js";

describe("two sandboxes of one zygote", () => {
  let zygote: HostZygote;
  let sandboxes: LinkedSandbox[];
  beforeAll(async () => {
    zygote = await HostZygote.launch({ configuration: { preload: ["numpy", "ssl"] } });
    sandboxes = [await LinkedSandbox.start(zygote), await LinkedSandbox.start(zygote)];
  });
  afterAll(async () => {
    await zygote.close();
    for (const { gateway } of sandboxes) await gateway.close();
  });

  it.each([
    ["random", "random.random()"],
    ["numpy", "numpy.random.rand()"],
    ["ssl", "ssl.RAND_bytes(16).hex()"],
  ])("draw different numbers with %s", async (module, expression) => {
    const code = `import numpy, random, ssl, sys; print(${expression})`;
    const [one, other] = await Promise.all(sandboxes.map((each) => each.execute(code)));
    expect(one, module).not.toBe(other);
  });
});

/** Two children in PID namespaces of their own, where both, as their parent, are number 1. */
const TWO = `
import json, os, ssl
from kerneld.host.clone import clone
from kerneld.user.environment import reseed

assert os.getpid() == 1
ssl.RAND_bytes(16)
drawn = []
for _ in range(2):
    readable, writable = os.pipe()
    child = clone(os.CLONE_NEWPID)
    if child.pid == 0:
        assert os.getpid() == 1
        reseed()
        os.write(writable, ssl.RAND_bytes(16).hex().encode())
        os._exit(0)
    drawn.append(os.read(readable, 64).decode())
    os.waitpid(child.pid, 0)
print(json.dumps(drawn))`;

it.skipIf(process.getuid?.() !== 0)(
  "OpenSSL's numbers differ where the process id does not tell it of a fork (root makes it so)",
  async () => {
    const [one, other] = (await runPython(TWO, ["unshare", "--pid", "--fork"])) as string[];
    expect(one).toMatch(/^[0-9a-f]{32}$/);
    expect(one).not.toBe(other);
  },
);
