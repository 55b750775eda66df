import { RuntimeError } from "../runtime.js";
import type { Engine } from "./engine.js";
import { refusal } from "./engine.js";

/** How long somebody else's removal of the same container may take. */
const OTHERS_REMOVAL_MS = 60_000;

/**
 * Kills and removes a container; resolves when it is gone, whoever removed it. `gone` waits for the engine's event.
 * Throws `runtime_unavailable`, or `sandbox_stop_failed` with the engine's reason.
 */
export async function removeContainer(
  engine: Engine,
  name: string,
  gone: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const waiting = new AbortController();
  const departure = gone(waiting.signal);
  try {
    const reason = await remove(engine, name);
    if (reason === undefined) return;
    if (!/already in progress/i.test(reason)) {
      throw new RuntimeError(
        "sandbox_stop_failed",
        `Docker did not remove the container ${name}: ${reason}`,
      );
    }
    await withinTime(departure, name);
  } finally {
    waiting.abort();
  }
}

/** The engine's reason why it did not; undefined when the container is gone. */
async function remove(engine: Engine, name: string): Promise<string | undefined> {
  const container = engine.docker.getContainer(name);
  try {
    await engine.call((abortSignal) => container.remove({ force: true, v: true, abortSignal }), {
      patience: "long",
    });
    return undefined;
  } catch (error) {
    const refused = refusal(error);
    if (!refused) throw error;
    return refused.status === 404 ? undefined : refused.message;
  }
}

async function withinTime(departure: Promise<void>, name: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new RuntimeError(
          "sandbox_stop_failed",
          `The container ${name} is being removed by somebody else, who has not finished within ` +
            `${OTHERS_REMOVAL_MS / 1000} s`,
        ),
      );
    }, OTHERS_REMOVAL_MS);
  });
  try {
    await Promise.race([departure, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Removes a volume; resolves also when there is none. */
export async function removeVolume(engine: Engine, name: string): Promise<void> {
  try {
    await engine.call((abortSignal) => engine.docker.getVolume(name).remove({ abortSignal }), {
      patience: "long",
    });
  } catch (error) {
    const refused = refusal(error);
    if (!refused) throw error;
    if (refused.status === 404) return;
    throw new RuntimeError(
      "sandbox_stop_failed",
      `Docker did not remove the volume ${name}: ${refused.message}`,
    );
  }
}
