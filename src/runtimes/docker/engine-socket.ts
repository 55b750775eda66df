import { once } from "node:events";
import { createConnection } from "node:net";
import { RuntimeError } from "../runtime.js";

/** The path in an address of a Unix socket; `undefined` for other addresses. */
export function socketPathOf(address: string): string | undefined {
  return /^unix:\/\/(.*)$/.exec(address)?.[1];
}

/**
 * Why no engine can be reached at this address, as far as a Unix socket tells it before a word is said; `undefined` where
 * something listens, and for other addresses. It spares a start without an engine the loading of the engine's client.
 */
export async function engineSocketProblem(address: string): Promise<RuntimeError | undefined> {
  const path = socketPathOf(address);
  if (path === undefined) return undefined;
  const socket = createConnection(path);
  try {
    await once(socket, "connect");
    return undefined;
  } catch (error) {
    return unreachable(address, error);
  } finally {
    socket.destroy();
  }
}

/** An engine that is not there, with the remedy. */
export function unreachable(address: string, cause: unknown): RuntimeError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const remedies: Record<string, string> = {
    ENOENT:
      "there is no such socket: install and start Docker (`systemctl start docker`), or set DOCKER_HOST",
    ECONNREFUSED:
      "nothing listens there: start the engine (`systemctl start docker`, or Docker Desktop), or set DOCKER_HOST",
    EACCES:
      "this user may not use the socket: add the user to the group `docker` and log in again, or use rootless Docker",
  };
  const detail = remedies[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new RuntimeError(
    "runtime_unavailable",
    `The Docker engine at ${address} cannot be reached: ${detail}`,
    { cause },
  );
}
