import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Usage } from "./runtime.js";

async function numberIn(path: string): Promise<number> {
  const value = Number((await readFile(path, "utf8")).trim());
  if (!Number.isFinite(value)) throw new Error(`${path} holds no number`);
  return value;
}

/** The lines `name value` of a flat-keyed cgroup file. */
async function fieldsIn(path: string): Promise<Map<string, number>> {
  const lines = (await readFile(path, "utf8")).trim().split("\n");
  return new Map(
    lines.map((line) => {
      const [name = "", value = ""] = line.split(" ");
      return [name, Number(value)];
    }),
  );
}

/** What the processes of a v2 cgroup have used. Rejects where its files are not to be had. */
export async function unifiedUsage(directory: string): Promise<Usage> {
  const [current, peak, memory, cpu] = await Promise.all([
    numberIn(join(directory, "memory.current")),
    numberIn(join(directory, "memory.peak")).catch(() => null),
    fieldsIn(join(directory, "memory.stat")),
    fieldsIn(join(directory, "cpu.stat")),
  ]);
  const files = (memory.get("active_file") ?? 0) + (memory.get("inactive_file") ?? 0);
  return {
    cpuMs: Math.round((cpu.get("usage_usec") ?? 0) / 1000),
    memoryBytes: Math.max(0, current - files),
    memoryPeakBytes: peak,
  };
}

/** What the processes of a v1 cgroup have used, from its directories in the two hierarchies. Rejects likewise. */
export async function splitUsage(memoryDirectory: string, cpuDirectory: string): Promise<Usage> {
  const [current, peak, memory, cpu] = await Promise.all([
    numberIn(join(memoryDirectory, "memory.usage_in_bytes")),
    numberIn(join(memoryDirectory, "memory.max_usage_in_bytes")),
    fieldsIn(join(memoryDirectory, "memory.stat")),
    numberIn(join(cpuDirectory, "cpuacct.usage")),
  ]);
  const files = (memory.get("total_active_file") ?? 0) + (memory.get("total_inactive_file") ?? 0);
  return {
    cpuMs: Math.round(cpu / 1e6),
    memoryBytes: Math.max(0, current - files),
    memoryPeakBytes: peak,
  };
}
