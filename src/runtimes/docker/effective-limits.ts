import { effectiveLimits as limitsOf, type Enforcement } from "../limits/effective-limits.js";
import type { DefaultLimits, EffectiveLimits, LimitRequest } from "../runtime.js";
import type { EngineFacts, OciRuntime } from "./engine-facts.js";
import { missingLimits } from "./missing-limits.js";

/**
 * What a sandbox gets for what was asked. Throws `limit_not_enforceable` for anything that was asked and that the
 * engine and its OCI runtime cannot enforce; defaults that they cannot enforce become null.
 */
export function effectiveLimits(
  request: LimitRequest,
  defaults: DefaultLimits,
  facts: EngineFacts,
  ociRuntime?: OciRuntime,
): EffectiveLimits {
  const { memory, pids, cpu } = missingLimits(facts, ociRuntime);
  const missing: Enforcement["missing"] = {
    gpu: "GPUs are not supported with Docker; ask for none",
    ...(memory && { memory }),
    ...(pids && { pids }),
    ...(cpu && { cpu }),
  };
  return limitsOf(request, defaults, {
    missing,
    cpus: facts.cpus,
    workspaceInMemory: !facts.volumeQuota,
  });
}
