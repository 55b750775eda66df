import { chown, mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { RuntimeError, type EffectiveLimits } from "../runtime.js";
import { type HomeCgroup, joinFile } from "./home-cgroups.js";

type Limits = Pick<EffectiveLimits, "cpu" | "memoryBytes" | "pids">;

/** The period in which a CPU quota is given out, in microseconds. */
const CPU_PERIOD = 100_000;

/** What is written, in order, into the files of a sandbox's cgroup; `optional` ones exist where swap is accounted. */
export function limitFiles(
  { version, controllers }: Pick<HomeCgroup, "version" | "controllers">,
  { cpu, memoryBytes, pids }: Limits,
): { file: string; value: string; optional?: boolean }[] {
  const files: { file: string; value: string; optional?: boolean }[] = [];
  if (controllers.includes("memory") && memoryBytes !== null) {
    const value = String(memoryBytes);
    files.push(
      ...(version === 1
        ? [
            { file: "memory.limit_in_bytes", value },
            { file: "memory.memsw.limit_in_bytes", value, optional: true },
          ]
        : [
            { file: "memory.max", value },
            { file: "memory.swap.max", value: "0", optional: true },
          ]),
    );
  }
  if (controllers.includes("pids") && pids !== null) {
    files.push({ file: "pids.max", value: String(pids) });
  }
  if (controllers.includes("cpu") && cpu !== null) {
    const quota = String(Math.max(1000, Math.round(cpu * CPU_PERIOD)));
    files.push(
      ...(version === 1
        ? [
            { file: "cpu.cfs_period_us", value: String(CPU_PERIOD) },
            { file: "cpu.cfs_quota_us", value: quota },
          ]
        : [{ file: "cpu.max", value: `${quota} ${CPU_PERIOD}` }]),
    );
  }
  return files;
}

/**
 * Makes a sandbox's cgroups, limits them, and lets the processes of `owner` join; false where a home's cgroup is gone.
 * @throws Error as the kernel refuses; some of them may be there then
 */
export async function makeSandboxCgroups(
  cgroups: readonly HomeCgroup[],
  sandboxId: string,
  limits: Limits,
  owner: number | undefined,
): Promise<boolean> {
  const made = await Promise.all(
    cgroups.map(async (cgroup) => {
      const directory = join(cgroup.path, sandboxId);
      try {
        await mkdir(directory);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
        throw error;
      }
      for (const { file, value, optional } of limitFiles(cgroup, limits)) {
        await writeFile(join(directory, file), value, { flag: "r+" }).catch((error: unknown) => {
          if (!(optional && (error as NodeJS.ErrnoException).code === "ENOENT")) throw error;
        });
      }
      if (owner !== undefined) {
        await chown(join(directory, joinFile(cgroup.version)), owner, owner);
        if (cgroup.version === 1 && cgroup.controllers.includes("memory")) {
          // Where the sandbox's first process asks to hear when memory is used up.
          await chown(join(directory, "cgroup.event_control"), owner, owner);
        }
      }
      return true;
    }),
  );
  return made.every(Boolean);
}

const ATTEMPTS = 12;

/** Ends what is still in a sandbox's cgroups, and removes them. Throws `sandbox_stop_failed`. Idempotent. */
export async function removeSandboxCgroups(
  cgroups: readonly HomeCgroup[],
  sandboxId: string,
): Promise<void> {
  await Promise.all(cgroups.map(({ path }) => removeCgroup(join(path, sandboxId))));
}

async function removeCgroup(directory: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await rmdir(directory);
      return;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return;
      if (code !== "EBUSY" || attempt === ATTEMPTS) {
        throw new RuntimeError(
          "sandbox_stop_failed",
          `The cgroup ${directory} cannot be removed: ${message}`,
          { cause: error },
        );
      }
    }
    await killMembers(directory);
    // v1 tells nobody when the last process of a cgroup has gone; it takes as long as a killed process dies.
    await delay(2 ** attempt);
  }
}

/** Whatever is in a sandbox's cgroup is the sandbox's, also where no record names it. */
async function killMembers(directory: string): Promise<void> {
  const members = await readFile(join(directory, "cgroup.procs"), "utf8").catch(() => "");
  for (const line of members.split("\n")) {
    const pid = Number(line);
    // 0 stands for a process of another PID namespace.
    if (!(pid > 1)) continue;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself, or is root's; the removal tells.
    }
  }
}
