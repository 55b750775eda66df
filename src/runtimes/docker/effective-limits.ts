import { checkLimitRequest } from "../limits/limit-request.js";
import { tmpfsSizes } from "../limits/tmpfs-sizes.js";
import {
  RuntimeError,
  type DefaultLimits,
  type EffectiveLimits,
  type LimitRequest,
} from "../runtime.js";
import type { EngineFacts } from "./engine-facts.js";

/**
 * What a sandbox gets for what was asked. Throws `limit_not_enforceable` for anything that was asked and that the
 * engine cannot enforce; defaults that it cannot enforce become null.
 */
export function effectiveLimits(
  request: LimitRequest,
  defaults: DefaultLimits,
  facts: EngineFacts,
): EffectiveLimits {
  checkLimitRequest(request);
  const refuse = (name: string, remedy: string): never => {
    throw new RuntimeError(
      "limit_not_enforceable",
      `This Docker engine cannot enforce ${name}: ${remedy}`,
    );
  };
  if (request.memoryBytes !== undefined && !facts.limits.memory) {
    refuse("memory_bytes", "give it the memory cgroup controller, or ask for no memory limit");
  }
  if (request.pids !== undefined && !facts.limits.pids) {
    refuse("pids", "give it the pids cgroup controller, or ask for no pids limit");
  }
  if (request.cpu !== undefined && !facts.limits.cpu) {
    refuse("cpu", "give it the cpu cgroup controller with CFS quotas, or ask for no cpu limit");
  }
  if (request.gpu) refuse("gpu", "GPUs are not supported with Docker; ask for none");

  const memoryBytes = request.memoryBytes ?? defaults.memoryBytes;
  const tmpfs = tmpfsSizes({
    memoryBytes,
    diskBytes: request.diskBytes ?? null,
    defaultDiskBytes: defaults.diskBytes,
    workspaceInMemory: !facts.volumeQuota,
  });
  return {
    cpu: request.cpu === undefined ? null : Math.min(request.cpu, facts.cpus),
    memoryBytes: facts.limits.memory ? memoryBytes : null,
    pids: facts.limits.pids ? (request.pids ?? defaults.pids) : null,
    diskBytes: facts.volumeQuota ? (request.diskBytes ?? defaults.diskBytes) : tmpfs.workspace,
    gpu: 0,
    tmpfs,
  };
}
