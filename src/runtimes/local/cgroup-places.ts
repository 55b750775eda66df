import { constants } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { cgroupPaths } from "../cgroup-membership.js";
import {
  cgroupDirectory,
  cgroupMounts,
  CONTROLLERS,
  type CgroupMount,
  type Controller,
} from "./cgroup-mounts.js";

/** Where this process may make cgroups in one hierarchy. */
export interface CgroupPlace {
  hierarchy: Controller | "unified";
  version: 1 | 2;
  /** What cgroups made there can limit or count. */
  controllers: readonly Controller[];
  /** The cgroup, as a directory, in which others can be made. */
  parent: string;
  /** v2: the controllers that are still to be passed on to the children of `parent`. */
  enable: readonly Controller[];
  /** v2: this process is alone in `parent` and must leave it first, for only leaves may have processes. */
  leave: boolean;
}

/** What this process can do with cgroups. */
export interface CgroupFacts {
  /** Versions that are mounted here. */
  versions: readonly (1 | 2)[];
  places: readonly CgroupPlace[];
  /** Controllers without a place: why, and what brings them. */
  missing: Partial<Record<Controller, string>>;
  /** Whether a memory limit can hold swap, too. */
  swap: boolean;
}

const UNIFIED: readonly Controller[] = ["memory", "pids", "cpu"];

const may = (path: string, mode = constants.W_OK): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false,
  );

const words = async (path: string): Promise<string[]> => {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.split(/\s+/).filter((word) => word !== "");
};

/** Looks at what is mounted and may be written; changes nothing. */
export async function findCgroups(proc = "/proc"): Promise<CgroupFacts> {
  const [mountinfo, membership] = await Promise.all([
    readFile(join(proc, "self/mountinfo"), "utf8"),
    readFile(join(proc, "self/cgroup"), "utf8"),
  ]);
  const mounts = cgroupMounts(mountinfo);
  const own = cgroupPaths(membership);
  const facts = { places: [] as CgroupPlace[], missing: {} as CgroupFacts["missing"] };

  const separate = mounts.filter(({ version }) => version === 1);
  for (const mount of separate) await addSeparate(mount, own, facts);

  const held = new Set(separate.flatMap(({ controllers }) => controllers));
  const rest = UNIFIED.filter((controller) => !held.has(controller));
  const unified = mounts.find(({ version }) => version === 2);
  if (unified && rest.length > 0) {
    await addUnified(cgroupDirectory(unified, own.get("") ?? "/"), unified, rest, facts);
  }
  const covered = new Set(facts.places.flatMap(({ controllers }) => controllers));
  for (const controller of UNIFIED) {
    if (covered.has(controller)) continue;
    facts.missing[controller] ??=
      `no cgroup hierarchy here has the controller ${controller}: mount one, or switch it on in the kernel's command line`;
  }
  return {
    versions: [...new Set(mounts.map(({ version }) => version))].sort(),
    ...facts,
    swap: await limitsSwap(facts.places),
  };
}

async function addSeparate(
  mount: CgroupMount,
  own: ReadonlyMap<string, string>,
  { places, missing }: Pick<CgroupFacts, "missing"> & { places: CgroupPlace[] },
): Promise<void> {
  const [hierarchy] = mount.controllers;
  if (hierarchy === undefined) return;
  const wanted = cgroupDirectory(mount, own.get(hierarchy) ?? "/");
  const parent = (await may(wanted, constants.F_OK)) ? wanted : mount.mountPoint;
  if (await may(parent)) {
    const { version, controllers } = mount;
    places.push({ hierarchy, version, controllers, parent, enable: [], leave: false });
    return;
  }
  for (const controller of mount.controllers) {
    missing[controller] =
      `the cgroup ${parent} is not this user's to write: run Hotcell as root, or boot with cgroup v2, which can be ` +
      "delegated to users";
  }
}

async function addUnified(
  own: string,
  mount: CgroupMount,
  wanted: readonly Controller[],
  { places, missing }: Pick<CgroupFacts, "missing"> & { places: CgroupPlace[] },
): Promise<void> {
  let best: CgroupPlace | undefined;
  for (
    let parent = own;
    parent.startsWith(mount.mountPoint) && best?.controllers.length !== wanted.length;
    parent = dirname(parent)
  ) {
    const place = await unifiedPlace(parent, wanted);
    if (place && place.controllers.length > (best?.controllers.length ?? 0)) best = place;
  }
  if (best) places.push(best);
  for (const controller of wanted) {
    if (best?.controllers.includes(controller)) continue;
    missing[controller] = best
      ? `the controller ${controller} is not delegated to ${best.parent}: name it in Delegate= of that systemd unit`
      : `the cgroup ${own} is not delegated to this process alone: start Hotcell with ` +
        "`systemd-run --user --scope -p Delegate=yes`, or as a service with Delegate=yes";
  }
}

/** What cgroups below `parent` could have; undefined where this process may make none, or move nothing there. */
async function unifiedPlace(
  parent: string,
  wanted: readonly Controller[],
): Promise<CgroupPlace | undefined> {
  const members = join(parent, "cgroup.procs");
  if (!((await may(parent)) && (await may(members)))) return undefined;
  const [available, passedOn, processes, isRoot] = await Promise.all([
    words(join(parent, "cgroup.controllers")),
    words(join(parent, "cgroup.subtree_control")),
    words(members),
    may(join(parent, "cgroup.type"), constants.F_OK).then((there) => !there),
  ]);
  const alone = processes.every((pid) => pid === String(process.pid));
  const usable = isRoot || alone ? available : passedOn;
  const controllers = wanted.filter((controller) => usable.includes(controller));
  const enable = controllers.filter((controller) => !passedOn.includes(controller));
  const leave = enable.length > 0 && !isRoot && processes.length > 0;
  return { hierarchy: "unified", version: 2, controllers, parent, enable, leave };
}

async function limitsSwap(places: readonly CgroupPlace[]): Promise<boolean> {
  const place = places.find(({ controllers }) => controllers.includes("memory"));
  if (!place) return false;
  if (place.version === 1) {
    return may(join(place.parent, "memory.memsw.limit_in_bytes"), constants.F_OK);
  }
  // The root cgroup has no such file; where the kernel does not account swap, no other has it either.
  const isRoot = !(await may(join(place.parent, "memory.max"), constants.F_OK));
  return isRoot || may(join(place.parent, "memory.swap.max"), constants.F_OK);
}

/** The names of controllers, in the order of `CONTROLLERS`, that the places have together. */
export const controllersOf = (places: readonly Pick<CgroupPlace, "controllers">[]): Controller[] =>
  CONTROLLERS.filter((controller) =>
    places.some(({ controllers }) => controllers.includes(controller)),
  );
