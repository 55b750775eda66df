import { describe, expect, test } from "vitest";
import { effectiveLimits } from "../../../src/runtimes/docker/effective-limits.js";
import type { EngineFacts } from "../../../src/runtimes/docker/engine-facts.js";
import { DEFAULT_LIMITS, type LimitRequest } from "../../../src/runtimes/runtime.js";
import { ableEngine } from "./facts.js";

const limits = (request: LimitRequest, engine: Partial<EngineFacts> = {}) =>
  effectiveLimits(request, DEFAULT_LIMITS, { ...ableEngine, ...engine });

const without = (limit: keyof EngineFacts["limits"]): Partial<EngineFacts> => ({
  limits: { ...ableEngine.limits, [limit]: false },
});

describe("limits on a Docker engine", () => {
  test("are the defaults where nothing was asked", () => {
    expect(limits({})).toMatchObject({ ...DEFAULT_LIMITS, cpu: null, gpu: 0 });
  });

  test("are what was asked", () => {
    const request = { cpu: 1.5, memoryBytes: 2 ** 30, pids: 50, diskBytes: 5 * 2 ** 30 };
    expect(limits(request)).toMatchObject(request);
  });

  test("give no more CPUs than the machine has", () => {
    expect(limits({ cpu: 64 }).cpu).toBe(4);
  });

  test.each([
    ["memory", { memoryBytes: 2 ** 30 }],
    ["pids", { pids: 50 }],
    ["cpu", { cpu: 1 }],
  ] as const)("for %s are refused where the engine has no such controller", (limit, request) => {
    expect(() => limits(request, without(limit))).toThrow(/cannot be enforced/);
    expect(limits(request)).toMatchObject(request);
  });

  test.each([
    ["memory", "memoryBytes"],
    ["pids", "pids"],
  ] as const)("say null for a default %s that the engine cannot enforce", (limit, field) => {
    expect(limits({}, without(limit))[field]).toBeNull();
  });

  test("hold the workspace in memory where volumes have no quota", () => {
    const { diskBytes, tmpfs } = limits({}, { volumeQuota: false });
    expect(diskBytes).toBe(DEFAULT_LIMITS.diskBytes);
    expect(tmpfs.workspace).toBe(diskBytes);
  });

  test("shrink a default workspace in memory, which nobody asked for, to what fits", () => {
    const { diskBytes } = limits({ memoryBytes: 512 * 2 ** 20 }, { volumeQuota: false });
    expect(diskBytes).toBeLessThan(512 * 2 ** 20);
    expect(diskBytes).toBeGreaterThan(128 * 2 ** 20);
  });

  test("with gVisor that ignores cgroups are those of processes and files", () => {
    const gvisor = { gvisor: true, cgroups: false, seccomp: false, hostSockets: true };
    const ignoring = (request: LimitRequest) =>
      effectiveLimits(request, DEFAULT_LIMITS, ableEngine, gvisor);
    expect(ignoring({ pids: 50 })).toMatchObject({ memoryBytes: null, pids: 50 });
    expect(() => ignoring({ memoryBytes: 2 ** 30 })).toThrow(/--ignore-cgroups/);
    expect(() => ignoring({ cpu: 1 })).toThrow(/--ignore-cgroups/);
  });
});
