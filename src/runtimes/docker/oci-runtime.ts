import { RuntimeError, type IsolationTier } from "../runtime.js";
import type { EngineFacts } from "./engine-facts.js";

/**
 * The OCI runtime for an isolation tier; undefined is the engine's default. Throws `isolation_unavailable` where the
 * operator configured none for `strong`, or the engine does not know it.
 */
export function ociRuntimeFor(
  tier: IsolationTier,
  strongRuntime: string | undefined,
  facts: Pick<EngineFacts, "ociRuntimes">,
): string | undefined {
  if (tier === "standard") return undefined;
  if (strongRuntime === undefined) {
    throw new RuntimeError(
      "isolation_unavailable",
      "Isolation `strong` is not configured: install gVisor or Kata Containers, register it with the Docker engine, " +
        "and set docker.strong_runtime to its name there (`runsc`)",
    );
  }
  if (!facts.ociRuntimes.has(strongRuntime)) {
    throw new RuntimeError(
      "isolation_unavailable",
      `The Docker engine knows no runtime ${strongRuntime}, only ${[...facts.ociRuntimes].join(", ")}: ` +
        "add it to `runtimes` in the engine's daemon.json and restart the engine",
    );
  }
  return strongRuntime;
}
