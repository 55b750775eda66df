import { describe, expect, test } from "vitest";
import { limitFiles } from "../../../src/runtimes/local/sandbox-cgroups.js";

const limits = { cpu: 0.5, memoryBytes: 1000, pids: 7 };
const none = { cpu: null, memoryBytes: null, pids: null };

describe("the limits of a cgroup", () => {
  test("in v1 are written to the hierarchy that has the controller, memory before memory and swap", () => {
    expect(limitFiles({ version: 1, controllers: ["memory"] }, limits)).toEqual([
      { file: "memory.limit_in_bytes", value: "1000" },
      { file: "memory.memsw.limit_in_bytes", value: "1000", optional: true },
    ]);
    expect(limitFiles({ version: 1, controllers: ["pids"] }, limits)).toEqual([
      { file: "pids.max", value: "7" },
    ]);
    expect(limitFiles({ version: 1, controllers: ["cpu", "cpuacct"] }, limits)).toEqual([
      { file: "cpu.cfs_period_us", value: "100000" },
      { file: "cpu.cfs_quota_us", value: "50000" },
    ]);
    expect(limitFiles({ version: 1, controllers: ["cpuacct"] }, limits)).toEqual([]);
  });

  test("in v2 leave no swap", () => {
    expect(limitFiles({ version: 2, controllers: ["memory", "pids", "cpu"] }, limits)).toEqual([
      { file: "memory.max", value: "1000" },
      { file: "memory.swap.max", value: "0", optional: true },
      { file: "pids.max", value: "7" },
      { file: "cpu.max", value: "50000 100000" },
    ]);
  });

  test("that are not there are not written", () => {
    expect(limitFiles({ version: 2, controllers: ["memory", "pids", "cpu"] }, none)).toEqual([]);
  });

  test("give the kernel's least quota where less was asked", () => {
    const [, quota] = limitFiles({ version: 1, controllers: ["cpu"] }, { ...none, cpu: 0.001 });
    expect(quota?.value).toBe("1000");
  });
});
