import { readFile } from "node:fs/promises";
import { availableParallelism, release } from "node:os";
import { findCgroups, type CgroupFacts } from "./cgroup-places.js";
import { coveredProc } from "./mounts.js";

/** What the kernel of this machine lets sandboxes of the local runtime have, as far as it shows without trying. */
export interface Machine {
  platform: NodeJS.Platform;
  architecture: NodeJS.Architecture;
  /** As `uname -r` says it. */
  kernel: string;
  cpus: number;
  /** Whether this process is root, of the machine or of a container. */
  isRoot: boolean;
  cgroups: CgroupFacts;
  /** The setting that forbids this process a user namespace, and its value; null where none does. */
  userNamespacesForbiddenBy: UserNamespaceSetting | null;
  /** Mount points that cover parts of `/proc`, so that no sandbox can have one of its own. */
  coveredProc: readonly string[];
  seccomp: boolean;
  /** Null where the kernel's list of security modules cannot be read. */
  landlock: boolean | null;
  /** core(5): a pattern that begins with `|` starts a program as root; null where it cannot be read. */
  corePattern: string | null;
  /** Whether equal pages of memory are merged (KSM); null where that cannot be read. */
  mergesPages: boolean | null;
  swap: boolean;
  /** Bounds that all sandboxes of one user id share; null where they cannot be read. */
  inotifyInstances: number | null;
  inotifyWatches: number | null;
  maxUserNamespaces: number | null;
}

export interface UserNamespaceSetting {
  /** As `sysctl` names it. */
  name: string;
  value: number;
}

const read = (path: string): Promise<string | null> =>
  readFile(path, "utf8").then(
    (text) => text.trim(),
    () => null,
  );

const readNumber = async (path: string): Promise<number | null> => {
  const text = await read(path);
  return text === null || !/^\d+$/.test(text) ? null : Number(text);
};

/** Settings that forbid user namespaces, with the values that do. The last two leave root alone. */
const SETTINGS = [
  { name: "user.max_user_namespaces", forbids: 0, rootToo: true },
  { name: "kernel.unprivileged_userns_clone", forbids: 0, rootToo: false },
  { name: "kernel.apparmor_restrict_unprivileged_userns", forbids: 1, rootToo: false },
] as const;

async function forbiddenBy(isRoot: boolean): Promise<UserNamespaceSetting | null> {
  for (const { name, forbids, rootToo } of SETTINGS) {
    if (isRoot && !rootToo) continue;
    const value = await readNumber(`/proc/sys/${name.replace(".", "/")}`);
    if (value === forbids) return { name, value };
  }
  return null;
}

/** Reads the kernel's files; changes nothing, and throws only where there is no `/proc`. */
export async function readMachine(): Promise<Machine> {
  const isRoot = process.geteuid?.() === 0;
  const [cgroups, forbidding, mountinfo, filters, modules, corePattern, ksm, swaps, inotify, most] =
    await Promise.all([
      findCgroups(),
      forbiddenBy(isRoot),
      readFile("/proc/self/mountinfo", "utf8"),
      read("/proc/self/status"),
      read("/sys/kernel/security/lsm"),
      read("/proc/sys/kernel/core_pattern"),
      readNumber("/sys/kernel/mm/ksm/run"),
      read("/proc/swaps"),
      Promise.all(
        ["max_user_instances", "max_user_watches"].map((name) =>
          readNumber(`/proc/sys/fs/inotify/${name}`),
        ),
      ),
      readNumber("/proc/sys/user/max_user_namespaces"),
    ]);
  return {
    platform: process.platform,
    architecture: process.arch,
    kernel: release(),
    cpus: availableParallelism(),
    isRoot,
    cgroups,
    userNamespacesForbiddenBy: forbidding,
    coveredProc: coveredProc(mountinfo),
    seccomp: /^Seccomp_filters:/m.test(filters ?? "") || /^Seccomp:/m.test(filters ?? ""),
    landlock: modules === null ? null : modules.split(",").includes("landlock"),
    corePattern,
    mergesPages: ksm === null ? null : ksm === 1,
    swap: (swaps?.split("\n").length ?? 0) > 1,
    inotifyInstances: inotify[0] ?? null,
    inotifyWatches: inotify[1] ?? null,
    maxUserNamespaces: most,
  };
}
