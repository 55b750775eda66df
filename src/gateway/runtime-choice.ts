import type { Config } from "../config.js";
import type { Home } from "../home.js";
import { connectEngine } from "../runtimes/docker/engine.js";
import { dockerRuntime } from "../runtimes/docker.js";
import { localRuntime } from "../runtimes/local.js";
import { type Runtime, RuntimeError } from "../runtimes/runtime.js";

export type ChosenRuntime = "docker" | "local";

/** How long an engine may take to say that it is there. */
const ENGINE_WITHIN_MS = 5_000;

/** Why no Docker engine answers; `undefined` when one does. Throws the signal's reason. */
async function engineMissing(signal: AbortSignal): Promise<string | undefined> {
  const engine = connectEngine();
  const within = AbortSignal.any([signal, AbortSignal.timeout(ENGINE_WITHIN_MS)]);
  try {
    await engine.call(() => engine.docker.ping(), { signal: within });
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Which runtime the setting means here: `auto` is Docker where its engine answers, and the embedded one otherwise.
 * @throws Error for a runtime that this version does not have; the signal's reason
 */
export async function chooseRuntime(
  { runtime }: Pick<Config, "runtime">,
  signal: AbortSignal,
): Promise<{ name: ChosenRuntime; why: string | undefined }> {
  switch (runtime) {
    case "docker":
    case "local":
      return { name: runtime, why: undefined };
    case "kubernetes":
      throw new Error(
        "The setting runtime (HOTCELL_RUNTIME) is kubernetes, which this version does not have: use auto, docker or local",
      );
    case "auto": {
      const missing = await engineMissing(signal);
      return missing === undefined
        ? { name: "docker", why: undefined }
        : { name: "local", why: `no Docker engine answers: ${missing}` };
    }
  }
}

/** The chosen runtime for the sandboxes of this home. */
export function openRuntime(name: ChosenRuntime, config: Config, home: Home): Runtime {
  const { docker, local, session } = config;
  const defaults = {
    memoryBytes: session.memory_bytes,
    pids: session.pids,
    diskBytes: session.disk_bytes,
  };
  const own = { home: home.directory, homeId: home.id, defaults };
  if (name === "local") {
    return localRuntime({
      ...own,
      preload: local.preload,
      ...(local.uid_range === undefined ? {} : { uidRange: local.uid_range }),
    });
  }
  return dockerRuntime({
    ...own,
    ...(docker.strong_runtime === undefined ? {} : { strongRuntime: docker.strong_runtime }),
    ...(docker.uid_range === undefined ? {} : { uidRange: docker.uid_range }),
  });
}

/** Adds to a refusal of the embedded runtime why the other one was not taken. */
export function refusalOfBoth(error: unknown, why: string | undefined): unknown {
  if (why === undefined || !(error instanceof RuntimeError)) return error;
  return new RuntimeError(
    error.code,
    `${error.message}\nThe runtime docker was tried first; ${why}`,
    {
      cause: error,
    },
  );
}
