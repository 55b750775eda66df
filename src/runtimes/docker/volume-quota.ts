import { randomBytes } from "node:crypto";
import type { Engine } from "./engine.js";
import { refusal } from "./engine.js";

/**
 * Whether volumes can be given a size here, found out by making one: the `local` driver enforces sizes only on file
 * systems with project quotas (XFS with `prjquota`) and refuses them elsewhere.
 */
export async function supportsVolumeQuota(engine: Engine, signal: AbortSignal): Promise<boolean> {
  const name = `hotcell-probe-${randomBytes(8).toString("hex")}`;
  try {
    await engine.call(
      (abortSignal) =>
        engine.docker.createVolume({
          Name: name,
          Driver: "local",
          DriverOpts: { size: "16m" },
          abortSignal,
        }),
      { signal },
    );
    return true;
  } catch (error) {
    if (refusal(error)) return false;
    throw error;
  } finally {
    await engine
      .call((abortSignal) => engine.docker.getVolume(name).remove({ abortSignal }))
      .catch(() => undefined);
  }
}
