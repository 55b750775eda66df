import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readCgroupUsage } from "../../../src/runtimes/docker/cgroup-usage.js";

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), "hc-"))));
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const read = (id = "abc") =>
  readCgroupUsage({ id, pid: 7 }, { proc: join(root, "proc"), cgroups: join(root, "cgroup") });

describe("usage from the cgroup's files", () => {
  test("of v1 leaves out page cache and has the peak", async () => {
    write("proc/7/cgroup", "4:memory:/docker/abc\n3:cpuacct:/docker/abc\n0::/docker/abc\n");
    write("cgroup/memory/docker/abc/memory.usage_in_bytes", "1000\n");
    write("cgroup/memory/docker/abc/memory.max_usage_in_bytes", "2000\n");
    write("cgroup/memory/docker/abc/memory.stat", "total_active_file 10\ntotal_inactive_file 20\n");
    write("cgroup/cpuacct/docker/abc/cpuacct.usage", "5000000\n");
    expect(await read()).toEqual({ cpuMs: 5, memoryBytes: 970, memoryPeakBytes: 2000 });
  });

  test("of v2 likewise, without a peak on kernels that keep none", async () => {
    write("proc/7/cgroup", "0::/system.slice/docker-abc.scope\n");
    const directory = "cgroup/system.slice/docker-abc.scope";
    write(`${directory}/memory.current`, "1000\n");
    write(`${directory}/memory.stat`, "anon 1\nactive_file 100\ninactive_file 200\n");
    write(`${directory}/cpu.stat`, "usage_usec 9000\nuser_usec 1\n");
    expect(await read()).toEqual({ cpuMs: 9, memoryBytes: 700, memoryPeakBytes: null });
    write(`${directory}/memory.peak`, "3000\n");
    expect(await read()).toMatchObject({ memoryPeakBytes: 3000 });
  });

  test("is unknown when the pid is another container's, or there is no such process", async () => {
    write("proc/7/cgroup", "0::/system.slice/docker-other.scope\n");
    expect(await read()).toBeUndefined();
    rmSync(join(root, "proc"), { recursive: true });
    expect(await read()).toBeUndefined();
  });
});
