import {
  RuntimeError,
  type DefaultLimits,
  type EffectiveLimits,
  type LimitRequest,
} from "../runtime.js";
import { checkLimitRequest } from "./limit-request.js";
import { tmpfsSizes } from "./tmpfs-sizes.js";

/** What a machine can enforce. */
export interface Enforcement {
  /** Limits that cannot be enforced: why, and what brings them. */
  missing: Partial<Record<"cpu" | "memory" | "pids" | "gpu", string>>;
  cpus: number;
  /** Whether `/workspace` is in memory; otherwise it is on a volume with a quota. */
  workspaceInMemory: boolean;
}

/**
 * What a sandbox gets for what was asked. Throws `limit_not_enforceable` for anything that was asked and that cannot
 * be enforced; defaults that cannot be enforced become null.
 */
export function effectiveLimits(
  request: LimitRequest,
  defaults: DefaultLimits,
  { missing, cpus, workspaceInMemory }: Enforcement,
): EffectiveLimits {
  checkLimitRequest(request);
  const refuse = (name: string, reason: string): never => {
    throw new RuntimeError("limit_not_enforceable", `${name} cannot be enforced here: ${reason}`);
  };
  if (request.memoryBytes !== undefined && missing.memory) refuse("memory_bytes", missing.memory);
  if (request.pids !== undefined && missing.pids) refuse("pids", missing.pids);
  if (request.cpu !== undefined && missing.cpu) refuse("cpu", missing.cpu);
  if (request.gpu && missing.gpu) refuse("gpu", missing.gpu);

  const memoryBytes = request.memoryBytes ?? defaults.memoryBytes;
  const tmpfs = tmpfsSizes({
    memoryBytes,
    diskBytes: request.diskBytes ?? null,
    defaultDiskBytes: defaults.diskBytes,
    workspaceInMemory,
  });
  return {
    cpu: request.cpu === undefined ? null : Math.min(request.cpu, cpus),
    memoryBytes: missing.memory ? null : memoryBytes,
    pids: missing.pids ? null : (request.pids ?? defaults.pids),
    diskBytes: workspaceInMemory ? tmpfs.workspace : (request.diskBytes ?? defaults.diskBytes),
    gpu: 0,
    tmpfs,
  };
}
