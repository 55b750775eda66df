import type { EngineFacts, OciRuntime } from "./engine-facts.js";

/** Limits that are not enforced: why, and what brings them. */
export type MissingLimits = Partial<Record<keyof EngineFacts["limits"], string>>;

/** What an engine cannot enforce in containers of an OCI runtime; undefined is its default one. */
export function missingLimits(facts: EngineFacts, ociRuntime?: OciRuntime): MissingLimits {
  const { limits } = facts;
  const outside =
    ociRuntime?.cgroups === false
      ? "the engine's runtime for isolation `strong` is registered with --ignore-cgroups: register it without"
      : undefined;
  const controller = (name: string): string =>
    outside ??
    `the engine has no ${name} controller: on a rootless engine use cgroup v2 with delegation, ` +
      "otherwise switch it on in the kernel's command line";
  return {
    ...((outside || !limits.memory) && { memory: controller("memory") }),
    ...((outside || !limits.memory || !limits.swap) && {
      swap:
        outside ??
        "the engine cannot limit swap: boot the host with swapaccount=1, or without swap",
    }),
    // gVisor's own kernel counts processes.
    ...(!limits.pids && ociRuntime?.gvisor !== true && { pids: controller("pids") }),
    ...((outside || !limits.cpu) && { cpu: controller("cpu") }),
  };
}
