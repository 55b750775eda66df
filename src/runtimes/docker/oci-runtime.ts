import { RuntimeError, type IsolationTier } from "../runtime.js";
import type { EngineFacts, OciRuntime } from "./engine-facts.js";

/** An OCI runtime that is not the engine's default. */
export interface NamedOciRuntime extends OciRuntime {
  /** As the engine knows it. */
  name: string;
}

type Known = Pick<EngineFacts, "ociRuntimes">;

const GVISOR = "runsc";

/** The name of the OCI runtime for isolation `strong`: the operator's choice, otherwise gVisor where the engine has it. */
export const strongRuntimeName = (
  configured: string | undefined,
  { ociRuntimes }: Known,
): string | undefined => configured ?? (ociRuntimes.has(GVISOR) ? GVISOR : undefined);

/** Whether sandboxes of the tier `strong` can be made. */
export function hasStrongRuntime(configured: string | undefined, facts: Known): boolean {
  const name = strongRuntimeName(configured, facts);
  return name !== undefined && facts.ociRuntimes.get(name)?.hostSockets === true;
}

/**
 * The OCI runtime for an isolation tier; undefined is the engine's default. Throws `isolation_unavailable` where there
 * is none for `strong`, or none with which the link works.
 */
export function ociRuntimeFor(
  tier: IsolationTier,
  configured: string | undefined,
  facts: Known,
): NamedOciRuntime | undefined {
  if (tier === "standard") return undefined;
  const name = strongRuntimeName(configured, facts);
  if (name === undefined) {
    throw unavailable(
      "Isolation `strong` needs gVisor or Kata Containers: install one and add it to `runtimes` in the engine's " +
        "daemon.json; under another name than `runsc`, set docker.strong_runtime to that",
    );
  }
  const runtime = facts.ociRuntimes.get(name);
  if (runtime === undefined) {
    throw unavailable(
      `The Docker engine knows no runtime ${name}, only ${[...facts.ociRuntimes.keys()].join(", ")}: ` +
        "add it to `runtimes` in the engine's daemon.json and reload the engine",
    );
  }
  if (!runtime.hostSockets) {
    throw unavailable(
      `The engine's runtime ${name} lets no sandbox dial the gateway's socket: add --host-uds=open to its runtimeArgs ` +
        "in the engine's daemon.json and reload the engine",
    );
  }
  return { name, ...runtime };
}

const unavailable = (message: string): RuntimeError =>
  new RuntimeError("isolation_unavailable", message);
