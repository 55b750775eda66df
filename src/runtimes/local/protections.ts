import type { EffectiveLimits, Isolation, ProtectionName } from "../runtime.js";
import type { CgroupFacts } from "./cgroup-places.js";

/** What a sandbox's own first process puts into force, and says. */
const REPORTED = [
  "no_network",
  "read_only_root",
  "capabilities_dropped",
  "no_new_privileges",
  "seccomp",
  "landlock",
  "user_namespace",
  "separate_supervisor",
  "private_ipc",
  "private_cgroup_namespace",
  "pids_limit",
  "no_core_dumps",
] as const satisfies readonly ProtectionName[];

const LACKING: Partial<Record<ProtectionName, string>> = {
  seccomp: "the kernel confines no system calls: take one that has CONFIG_SECCOMP_FILTER",
  landlock:
    "the kernel has no Landlock, a second layer over the read-only file systems: take Linux 5.13 or later with " +
    "landlock in its `lsm=` list",
  private_cgroup_namespace: "the kernel has no cgroup namespaces: take Linux 4.6 or later",
};

/** What holds a sandbox in, when its first process has said `reported`. */
export function localIsolation(
  reported: readonly string[],
  cgroups: Pick<CgroupFacts, "missing" | "swap">,
  limits: Pick<EffectiveLimits, "cpu">,
): Isolation {
  const memory = cgroups.missing.memory;
  const swap =
    memory ??
    (cgroups.swap
      ? undefined
      : "the kernel does not limit swap: boot with swapaccount=1, or without swap");
  const missing = [
    ...REPORTED.filter((name) => !reported.includes(name)).map((name) => ({
      name,
      detail: LACKING[name] ?? "this machine's kernel did not grant it",
    })),
    ...(memory === undefined ? [] : [{ name: "memory_limit" as const, detail: memory }]),
    ...(swap === undefined ? [] : [{ name: "swap_limit" as const, detail: swap }]),
  ];
  return {
    tier: "standard",
    protections: [
      ...REPORTED.filter((name) => reported.includes(name)),
      // The workspace is a file system in memory with a size.
      "disk_limit",
      ...(memory === undefined ? (["memory_limit"] as const) : []),
      ...(swap === undefined ? (["swap_limit"] as const) : []),
      ...(limits.cpu === null ? [] : (["cpu_limit"] as const)),
    ],
    missing,
  };
}

/**
 * What a sandbox will get on a machine with these, as far as it can be said before there was one. `landlock` is null
 * where that does not show.
 */
export function expectedIsolation(
  machine: { seccomp: boolean; landlock: boolean | null },
  cgroups: Pick<CgroupFacts, "missing" | "swap">,
): Isolation {
  const granted = REPORTED.filter(
    (name) =>
      (name !== "seccomp" || machine.seccomp) && (name !== "landlock" || machine.landlock === true),
  );
  const { missing, ...rest } = localIsolation(granted, cgroups, { cpu: null });
  return {
    ...rest,
    missing: missing.map(({ name, detail }) => ({
      name,
      detail:
        name === "landlock" && machine.landlock === null
          ? "not known before the first sandbox: the kernel tells its security modules where securityfs is mounted"
          : detail,
    })),
  };
}
