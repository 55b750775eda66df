import { readFileSync, statSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { childrenOf } from "../../runtimes/local/traces.js";
import { HostZygote, REQUEST } from "./host-zygote.js";
import { LinkedSandbox } from "./linked-sandbox.js";

const FIRST = 1_400_000_000;

const status = (pid: number, field: string): string =>
  new RegExp(`^${field}:\\s+(\\S+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ??
  "";

const score = (pid: number): number => Number(readFileSync(`/proc/${pid}/oom_score_adj`, "utf8"));

describe.skipIf(process.getuid?.() !== 0)("kerneld as PID 1 (root looks at it)", () => {
  let zygote: HostZygote;
  let sandbox: LinkedSandbox;
  beforeAll(async () => {
    zygote = await HostZygote.launch({ configuration: { ids: { first: FIRST, count: 65_536 } } });
    sandbox = await LinkedSandbox.start(zygote);
    await sandbox.execute("pass");
  });
  afterAll(async () => {
    await zygote.close();
    await sandbox.gateway.close();
  });

  it("has memory and descriptors that are not for others of its id to look at", () => {
    const { pid } = sandbox.process;
    expect(status(pid, "Uid")).toBe(`${FIRST + REQUEST.id}`);
    // Of a process that can be dumped they would belong to its own id (proc(5)).
    for (const name of ["environ", "maps", "mem", "fd"]) {
      expect(statSync(`/proc/${pid}/${name}`).uid).toBe(FIRST);
    }
  });

  it("is deaf to signals that would end it", () => {
    const ignored = BigInt(`0x${status(sandbox.process.pid, "SigIgn")}`);
    for (const signal of [1, 2, 3, 10, 12, 13, 14, 15]) {
      expect((ignored >> BigInt(signal - 1)) & 1n, `signal ${signal}`).toBe(1n);
    }
  });

  // As kerneld does it: a program that is executed would lose its capabilities by that.
  it("has given up every privilege, and so has every process of the user side", () => {
    const { pid } = sandbox.process;
    const [first = 0] = childrenOf(pid);
    const [kernel = 0] = childrenOf(first);
    for (const each of [pid, first, kernel]) {
      for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
        expect([set, status(each, set)]).toEqual([set, "0".repeat(16)]);
      }
      expect([status(each, "Seccomp"), status(each, "NoNewPrivs")]).toEqual(["2", "1"]);
    }
  });

  it("outlives its user side, and that its kernels, where memory runs out", () => {
    const { pid } = sandbox.process;
    const [first = 0] = childrenOf(pid);
    const [kernel = 0] = childrenOf(first);
    expect(score(first)).toBeGreaterThan(score(pid));
    expect(score(kernel)).toBeGreaterThan(score(first));
  });
});
