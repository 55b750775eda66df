import type { Isolation, IsolationTier, MissingProtection, ProtectionName } from "../runtime.js";
import type { EngineFacts } from "./engine-facts.js";

/** What every container of ours has, whatever the engine. */
const ALWAYS: readonly ProtectionName[] = [
  "no_network",
  "read_only_root",
  "capabilities_dropped",
  "no_new_privileges",
  "separate_supervisor",
  "private_ipc",
  "private_cgroup_namespace",
  "disk_limit",
  "no_core_dumps",
];

interface Conditional {
  name: ProtectionName;
  present: boolean;
  detail: string;
}

/** What is in force in a sandbox on this engine, and what is not, with the remedy. */
export function dockerIsolation(
  tier: IsolationTier,
  facts: EngineFacts,
  cpuLimited: boolean,
): Isolation {
  const cgroup = (controller: string): string =>
    `the engine has no ${controller} controller: on a rootless engine use cgroup v2 with delegation, ` +
    "otherwise switch it on in the kernel's command line";
  const conditional: Conditional[] = [
    {
      name: "seccomp",
      present: facts.seccomp,
      detail: "the engine confines no system calls: run it with its default seccomp profile",
    },
    {
      name: "apparmor",
      present: facts.apparmor,
      detail: "the engine does not use AppArmor: switch it on in the host's kernel, if it has it",
    },
    {
      name: "user_namespace",
      present: facts.userNamespace,
      detail:
        "root in a container is the host's root: run the engine rootless or with userns-remap",
    },
    { name: "memory_limit", present: facts.limits.memory, detail: cgroup("memory") },
    {
      name: "swap_limit",
      present: facts.limits.memory && facts.limits.swap,
      detail: "the engine cannot limit swap: boot the host with swapaccount=1, or without swap",
    },
    { name: "pids_limit", present: facts.limits.pids, detail: cgroup("pids") },
  ];
  return {
    tier,
    protections: [
      ...ALWAYS,
      ...conditional.filter((protection) => protection.present).map(({ name }) => name),
      ...(cpuLimited ? (["cpu_limit"] as const) : []),
      ...(tier === "strong" ? (["guest_kernel"] as const) : []),
    ],
    missing: conditional
      .filter((protection) => !protection.present)
      .map(({ name, detail }): MissingProtection => ({ name, detail })),
  };
}
