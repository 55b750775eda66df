import { chown, mkdir, readdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { isSandboxId } from "../sandbox-specification.js";
import { CONTROLLERS } from "./cgroup-mounts.js";
import type { CgroupPlace } from "./cgroup-places.js";

/** A home's own cgroup in one hierarchy; its sandboxes' are below it, named by their ids. */
export const homeCgroup = z.object({
  hierarchy: z.enum([...CONTROLLERS, "unified"]),
  version: z.union([z.literal(1), z.literal(2)]),
  controllers: z.array(z.enum(CONTROLLERS)),
  /** An absolute directory. */
  path: z.string().startsWith("/"),
});
export type HomeCgroup = z.infer<typeof homeCgroup>;

/** The file that a process of cgroup v1 writes `0` to, to join with its only thread; see `openHomeCgroups`. */
export const joinFile = (version: 1 | 2): string => (version === 1 ? "tasks" : "cgroup.procs");

/** v2: where zygotes are, for a cgroup with children may not have processes, and who joins needs a common parent. */
const ZYGOTES = "zygote";

/** Makes a home's cgroups where they are missing, and lets `owner`'s processes move between those below. */
export async function openHomeCgroups(
  places: readonly CgroupPlace[],
  homeId: string,
  owner: number | undefined,
): Promise<HomeCgroup[]> {
  return Promise.all(
    places.map(async ({ hierarchy, version, controllers, parent, enable, leave }) => {
      const path = join(parent, `hotcell-${homeId}`);
      if (version === 2) {
        if (leave) await enter(join(parent, "hotcell"), process.pid);
        if (enable.length > 0) await passOn(parent, enable);
      }
      await mkdir(path, { recursive: true });
      if (version === 2) {
        await passOn(path, controllers);
        if (owner !== undefined) await chown(join(path, "cgroup.procs"), owner, owner);
      }
      return { hierarchy, version, controllers: [...controllers], path };
    }),
  );
}

/** Puts a zygote where those that it forks can leave for the cgroups of their sandboxes. */
export async function enterZygoteCgroup(
  cgroups: readonly HomeCgroup[],
  pid: number,
): Promise<void> {
  for (const { version, path } of cgroups) {
    if (version === 2) await enter(join(path, ZYGOTES), pid);
  }
}

/** Removes a home's cgroups as far as nothing is in them. */
export async function closeHomeCgroups(cgroups: readonly HomeCgroup[]): Promise<void> {
  for (const { version, path } of cgroups) {
    if (version === 2) await rmdir(join(path, ZYGOTES)).catch(() => undefined);
    await rmdir(path).catch(() => undefined);
  }
}

/** The sandboxes that have a cgroup of this home. */
export async function sandboxesWithCgroup(cgroups: readonly HomeCgroup[]): Promise<Set<string>> {
  const names = await Promise.all(cgroups.map(({ path }) => readdir(path).catch(() => [])));
  return new Set(names.flat().filter(isSandboxId));
}

async function enter(path: string, pid: number): Promise<void> {
  await mkdir(path, { recursive: true });
  await writeFile(join(path, "cgroup.procs"), String(pid));
}

const passOn = (path: string, controllers: readonly string[]): Promise<void> =>
  writeFile(
    join(path, "cgroup.subtree_control"),
    controllers.map((controller) => `+${controller}`).join(" "),
  );
