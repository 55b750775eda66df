import type Docker from "dockerode";
import { readConsole, type Console } from "../console.js";
import type { Engine } from "./engine.js";

/** What docker-modem gives for an attached console. */
type AttachedConsole = NodeJS.ReadWriteStream & { destroy?(): void };

/** Attaches to a container, which has not been started yet, so that nothing is missed. */
export async function attachConsole(
  engine: Engine,
  container: Docker.Container,
  signal: AbortSignal,
): Promise<Console> {
  // docker-modem ties the signal's life to the stream's, which shall outlive this call.
  const stream = await engine.call(
    async (abortSignal) => {
      const attached: AttachedConsole = await container.attach({
        stream: true,
        stdout: true,
        stderr: true,
        hijack: true,
      });
      if (abortSignal.aborted) attached.destroy?.();
      return attached;
    },
    { signal },
  );
  return readConsole(stream, (sink) =>
    (container.modem as Docker["modem"]).demuxStream(stream, sink, sink),
  );
}
