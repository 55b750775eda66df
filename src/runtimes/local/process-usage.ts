import { readFile } from "node:fs/promises";
import type { Usage } from "../runtime.js";

/** `USER_HZ`: 100 on every architecture that we run on (time(7)). */
const TICKS_PER_SECOND = 100;

/** A process with all that it started and that has not ended. */
async function family(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  const pids = children.split(" ").map(Number).filter(Boolean);
  return [pid, ...(await Promise.all(pids.map(family))).flat()];
}

/** Of a text like `/proc/<pid>/stat`: the process and those of its children that it has waited for. */
export function cpuTicks(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
}

/** Of a text like `/proc/<pid>/smaps_rollup`: its share of memory that is no file's. */
export function privateBytes(rollup: string): number {
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(rollup)?.[1] ?? 0);
  return (field("Pss_Anon") + field("Pss_Shmem")) * 1024;
}

/**
 * What a sandbox has used, counted by its processes: for machines that give no cgroup to count. Leaves out files in
 * memory that no process maps, and those who ended without being waited for.
 */
export async function processUsage(pid: number): Promise<Usage> {
  const members = await Promise.all(
    (await family(pid)).map(async (member) => ({
      ticks: cpuTicks(await readFile(`/proc/${member}/stat`, "utf8").catch(() => "")),
      bytes: privateBytes(await readFile(`/proc/${member}/smaps_rollup`, "utf8").catch(() => "")),
    })),
  );
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
  return {
    cpuMs: Math.round((sum(members.map(({ ticks }) => ticks)) * 1000) / TICKS_PER_SECOND),
    memoryBytes: sum(members.map(({ bytes }) => bytes)),
    memoryPeakBytes: null,
  };
}
