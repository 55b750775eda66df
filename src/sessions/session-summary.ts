import { DEFAULT_LIMITS, type RuntimeName, type Usage } from "../runtimes/runtime.js";
import type { KernelObject } from "../sandboxes/kernels.js";
import type { SandboxFacts } from "./sandbox-facts.js";
import type { SessionIdentity } from "./session-identity.js";
import type { KernelView, SessionState, SessionView } from "./session-view.js";

export interface SessionFacts {
  identity: SessionIdentity;
  runtime: RuntimeName;
  state: SessionState;
  reason: string | undefined;
  sandbox: SandboxFacts | undefined;
  kernels: readonly KernelObject[];
  usage: Usage | null;
  createdAt: Date;
  lastActiveAt: Date;
  expiresAt: Date;
}

/** A kernel as clients see it. */
export function kernelView(kernel: KernelObject): KernelView {
  const death = kernel.last_death;
  return {
    id: kernel.id,
    language: kernel.language,
    language_version: kernel.language_version ?? "",
    name: kernel.name === "" ? null : kernel.name,
    execution_state: kernel.execution_state,
    generation: kernel.generation,
    execution_count: kernel.execution_count,
    last_death: death && { ...death, at: new Date(death.at).toISOString() },
  };
}

/** A session as clients see it. While it starts, its limits are those asked for. */
export function sessionView(facts: SessionFacts): SessionView {
  const { identity, sandbox, usage } = facts;
  const asked = identity.limits;
  const limits = sandbox?.limits;
  const diskBytes = limits?.diskBytes ?? asked.diskBytes ?? DEFAULT_LIMITS.diskBytes;
  return {
    id: identity.id,
    sandbox_id: identity.sandboxId,
    state: facts.state,
    ...(facts.reason === undefined ? {} : { reason: facts.reason }),
    image: identity.image,
    runtime: facts.runtime,
    limits: {
      cpu: limits ? limits.cpu : (asked.cpu ?? null),
      memory_bytes: limits ? limits.memoryBytes : (asked.memoryBytes ?? DEFAULT_LIMITS.memoryBytes),
      pids: limits ? limits.pids : (asked.pids ?? DEFAULT_LIMITS.pids),
      disk_bytes: diskBytes,
      gpu: limits?.gpu ?? asked.gpu ?? 0,
    },
    isolation: {
      tier: sandbox?.isolation.tier ?? identity.isolation,
      protections: sandbox?.isolation.protections ?? [],
      missing: sandbox?.isolation.missing ?? [],
    },
    workspace: sandbox?.workspace ?? { kind: "tmpfs", bytes: diskBytes },
    lifetime: { ...identity.lifetime, on_idle: "delete" },
    start: { kind: sandbox?.startKind ?? "cold", ms: sandbox?.startMs ?? 0 },
    kernels: facts.kernels.map(kernelView),
    metadata: identity.metadata,
    usage: usage && {
      cpu_ms: usage.cpuMs,
      memory_bytes: usage.memoryBytes,
      memory_peak_bytes: usage.memoryPeakBytes,
    },
    created_at: facts.createdAt.toISOString(),
    last_active_at: facts.lastActiveAt.toISOString(),
    expires_at: facts.expiresAt.toISOString(),
  };
}
