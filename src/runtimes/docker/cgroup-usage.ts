import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Usage } from "../runtime.js";

const CGROUPS = "/sys/fs/cgroup";

/** Where the kernel's files are, for tests. */
export interface KernelFiles {
  proc: string;
  cgroups: string;
}

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

/** The cgroup's path by controller (v1), or under the empty name (v2); see cgroups(7), "/proc files". */
function pathsIn(text: string): Map<string, string> {
  const paths = new Map<string, string>();
  for (const line of text.trim().split("\n")) {
    const [, controllers = "", path = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    for (const controller of controllers.split(",")) paths.set(controller, path);
  }
  return paths;
}

async function unified(directory: string): Promise<Usage> {
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

async function split(memoryDirectory: string, cpuDirectory: string): Promise<Usage> {
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
    const paths = pathsIn(
      await readFile(join(files.proc, String(container.pid), "cgroup"), "utf8"),
    );
    const of = (controller: string): string | undefined => {
      const path = paths.get(controller);
      return path?.includes(container.id) === true ? path : undefined;
    };
    const memory = of("memory");
    const cpu = of("cpuacct");
    if (memory !== undefined && cpu !== undefined) {
      return await split(
        join(files.cgroups, "memory", memory),
        join(files.cgroups, "cpuacct", cpu),
      );
    }
    const path = of("");
    return path === undefined ? undefined : await unified(join(files.cgroups, path));
  } catch {
    return undefined;
  }
}
