import { readFileSync, writeFileSync } from "node:fs";

const RESET_PEAK = "5";

function field(pid: number, name: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status has no ${name}`);
  return Number(kilobytes) * 1024;
}

/** How far a process's resident memory rises above where it is now: the kernel keeps the peak (proc(5)). */
export function watchResidentMemory(pid: number): { growthBytes(): number } {
  writeFileSync(`/proc/${pid}/clear_refs`, RESET_PEAK);
  const before = field(pid, "VmRSS");
  return { growthBytes: () => field(pid, "VmHWM") - before };
}
