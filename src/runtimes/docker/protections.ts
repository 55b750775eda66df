import type { Isolation, IsolationTier, MissingProtection, ProtectionName } from "../runtime.js";
import type { EngineFacts, OciRuntime } from "./engine-facts.js";
import { missingLimits } from "./missing-limits.js";

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

/** What is in force in a sandbox of that OCI runtime (undefined: the engine's default), and what is not, with the remedy. */
export function dockerIsolation(
  tier: IsolationTier,
  facts: EngineFacts,
  cpuLimited: boolean,
  ociRuntime?: OciRuntime,
): Isolation {
  const lacking = missingLimits(facts, ociRuntime);
  const gvisor = ociRuntime?.gvisor === true;
  const limit = (name: ProtectionName, reason: string | undefined): Conditional => ({
    name,
    present: reason === undefined,
    detail: reason ?? "",
  });
  const conditional: Conditional[] = [
    {
      name: "seccomp",
      present: facts.seccomp && ociRuntime?.seccomp !== false,
      detail:
        ociRuntime?.seccomp === false
          ? "gVisor loads no seccomp profile of the engine's, only Hotcell's filter is in force: builds of after 2022 can, with --oci-seccomp in runtimeArgs"
          : "the engine confines no system calls: run it with its default seccomp profile",
    },
    {
      name: "apparmor",
      present: facts.apparmor && !gvisor,
      detail: gvisor
        ? "gVisor applies no AppArmor profile; its own kernel stands in the way instead"
        : "the engine does not use AppArmor: switch it on in the host's kernel, if it has it",
    },
    {
      name: "user_namespace",
      // gVisor's kernel, and all that runs on it, is nobody in a user namespace of its own, on any engine.
      present: facts.userNamespace || gvisor,
      detail:
        "root in a container is the host's root: run the engine rootless or with userns-remap",
    },
    limit("memory_limit", lacking.memory),
    limit("swap_limit", lacking.swap),
    limit("pids_limit", lacking.pids),
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
