import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { cgroupPaths } from "../cgroup-membership.js";
import { splitUsage, unifiedUsage } from "../cgroup-usage.js";
import type { Usage } from "../runtime.js";

const CGROUPS = "/sys/fs/cgroup";

/** Where the kernel's files are, for tests. */
export interface KernelFiles {
  proc: string;
  cgroups: string;
}

/**
 * What a container has used, from its cgroup's own files: at once, where the engine's `stats` waits for its next
 * sample. Undefined where these files are not to be had, as with an engine on another machine: the pid is believed
 * only when its cgroup carries the container's id.
 */
export async function readCgroupUsage(
  container: { id: string; pid: number },
  files: KernelFiles = { proc: "/proc", cgroups: CGROUPS },
): Promise<Usage | undefined> {
  try {
    const paths = cgroupPaths(
      await readFile(join(files.proc, String(container.pid), "cgroup"), "utf8"),
    );
    const of = (controller: string): string | undefined => {
      const path = paths.get(controller);
      return path?.includes(container.id) === true ? path : undefined;
    };
    const memory = of("memory");
    const cpu = of("cpuacct");
    if (memory !== undefined && cpu !== undefined) {
      return await splitUsage(
        join(files.cgroups, "memory", memory),
        join(files.cgroups, "cpuacct", cpu),
      );
    }
    const path = of("");
    return path === undefined ? undefined : await unifiedUsage(join(files.cgroups, path));
  } catch {
    return undefined;
  }
}
