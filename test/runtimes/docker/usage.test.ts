import { describe, expect, test } from "vitest";
import { readUsage } from "../../../src/runtimes/docker/usage.js";

const answer = (memory_stats: object) => ({
  cpu_stats: { cpu_usage: { total_usage: 1_234_567_890 } },
  memory_stats,
});

describe("usage", () => {
  test("of cgroup v1 leaves out page cache, not files in memory, and has the peak", () => {
    const stats = {
      active_file: 1,
      inactive_file: 1,
      total_active_file: 10,
      total_inactive_file: 20,
      total_cache: 500,
    };
    expect(readUsage(answer({ usage: 1000, max_usage: 1500, stats }))).toEqual({
      cpuMs: 1235,
      memoryBytes: 970,
      memoryPeakBytes: 1500,
    });
  });

  test("of cgroup v2 has no peak", () => {
    const stats = { active_file: 100, inactive_file: 200, file: 600 };
    expect(readUsage(answer({ usage: 1000, stats }))).toEqual({
      cpuMs: 1235,
      memoryBytes: 700,
      memoryPeakBytes: null,
    });
  });

  test("of a container that has ended is none", () => {
    expect(readUsage(answer({}))).toBeUndefined();
  });
});
