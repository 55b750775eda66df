import type { Config } from "../config.js";
import type { Home } from "../home.js";
import { engineAddress } from "../runtimes/docker/engine-address.js";
import { engineSocketProblem } from "../runtimes/docker/engine-socket.js";
import { type Runtime, RuntimeError } from "../runtimes/runtime.js";

export type ChosenRuntime = "docker" | "local";

/** How long an engine may take to say that it is there. */
const ENGINE_WITHIN_MS = 5_000;

/** Why no Docker engine answers; `undefined` when one does. Throws the signal's reason. */
async function engineMissing(signal: AbortSignal): Promise<string | undefined> {
  const problem = await engineSocketProblem(engineAddress(process.env));
  if (problem !== undefined) return problem.message;
  const { connectEngine } = await import("../runtimes/docker/engine.js");
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

/** The chosen runtime for the sandboxes of this home; the other one, and the client of its engine, is not even loaded. */
export async function openRuntime(
  name: ChosenRuntime,
  config: Config,
  home: Pick<Home, "directory" | "id">,
): Promise<Runtime> {
  const { docker, local, session } = config;
  const defaults = {
    memoryBytes: session.memory_bytes,
    pids: session.pids,
    diskBytes: session.disk_bytes,
  };
  const own = { home: home.directory, homeId: home.id, defaults };
  if (name === "local") {
    const { localRuntime } = await import("../runtimes/local.js");
    return localRuntime({
      ...own,
      preload: local.preload,
      ...(local.uid_range === undefined ? {} : { uidRange: local.uid_range }),
    });
  }
  const { dockerRuntime } = await import("../runtimes/docker.js");
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
