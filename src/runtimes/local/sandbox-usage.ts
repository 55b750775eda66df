import { join } from "node:path";
import { splitUsage, unifiedUsage } from "../cgroup-usage.js";
import type { Usage } from "../runtime.js";
import type { Controller } from "./cgroup-mounts.js";
import type { HomeCgroup } from "./home-cgroups.js";
import { processUsage } from "./process-usage.js";

/** What a running sandbox has used, from its cgroups where there are such, and otherwise from its processes. */
export async function sandboxUsage(
  sandboxId: string,
  cgroups: readonly HomeCgroup[],
  pid: number,
): Promise<Usage> {
  const find = (controller: Controller): HomeCgroup | undefined =>
    cgroups.find(({ controllers }) => controllers.includes(controller));
  const memory = find("memory");
  const cpu = find("cpuacct");
  try {
    if (memory?.version === 2) return await unifiedUsage(join(memory.path, sandboxId));
    if (memory && cpu) {
      return await splitUsage(join(memory.path, sandboxId), join(cpu.path, sandboxId));
    }
  } catch {
    // Its cgroups go before its record, when it is destroyed.
  }
  return processUsage(pid);
}
