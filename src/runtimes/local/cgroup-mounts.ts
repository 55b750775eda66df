import { parseMounts } from "./mounts.js";

/** The controllers that hold and count a sandbox. */
export const CONTROLLERS = ["memory", "pids", "cpu", "cpuacct"] as const;
export type Controller = (typeof CONTROLLERS)[number];

/** A cgroup hierarchy, as far as it is mounted here. */
export interface CgroupMount {
  version: 1 | 2;
  /** Those of ours that it has; empty for v2, where each cgroup says which it has. */
  controllers: readonly Controller[];
  /** The cgroup that is at the mount point. */
  root: string;
  mountPoint: string;
}

/** The hierarchies in a text like `/proc/self/mountinfo`. */
export function cgroupMounts(mountinfo: string): CgroupMount[] {
  return parseMounts(mountinfo).flatMap(
    ({ type, root, mountPoint, superOptions }): CgroupMount[] => {
      if (type === "cgroup2") return [{ version: 2, controllers: [], root, mountPoint }];
      if (type !== "cgroup") return [];
      const controllers = CONTROLLERS.filter((controller) => superOptions.includes(controller));
      return controllers.length > 0 ? [{ version: 1, controllers, root, mountPoint }] : [];
    },
  );
}

/** The directory of the cgroup `path`, or the mount point where that cgroup is not below it. */
export function cgroupDirectory({ root, mountPoint }: CgroupMount, path: string): string {
  const below = root === "/" ? path : path === root ? "/" : path.slice(root.length);
  const inside = root === "/" || path === root || path.startsWith(`${root}/`);
  // In a cgroup namespace, cgroups outside of it begin with `/..`.
  if (!inside || path.startsWith("/..") || below === "/") return mountPoint;
  return `${mountPoint}${below}`;
}
