import { once } from "node:events";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { runningGateway } from "../gateway/announcement.js";

/** How long a gateway that is starting is waited for. */
const GATEWAY_WITHIN_MS = 2_000;

/** What a gateway needs before any runtime: a home that is its own, and a port. */
export interface StartFacts {
  home: string;
  /** Why the home cannot be used; null where it can. */
  homeProblem: string | null;
  /** A gateway that has the home now; its address, or null while it is still starting. */
  running: { url: string | null } | null;
  host: string;
  port: number;
  /** The code of the error with which listening fails (`EADDRINUSE`); null where it does not. */
  portProblem: string | null;
}

interface StartQuestion {
  home: string;
  host: string;
  port: number;
}

/** Claims nothing. Throws the signal's reason. */
export async function readStartFacts(
  { home, host, port }: StartQuestion,
  signal: AbortSignal,
): Promise<StartFacts> {
  const homeProblem = await problemOf(home);
  const running = homeProblem === null ? await gatewayOf(home, signal) : null;
  const portProblem = running || port === 0 ? null : await listeningProblem(host, port);
  return { home, homeProblem, running, host, port, portProblem };
}

/** The home, or the directory in which it would be made, must be this user's to write. */
async function problemOf(home: string): Promise<string | null> {
  for (let path = home; ; path = dirname(path)) {
    try {
      if (!(await stat(path)).isDirectory()) return `${path} is not a directory`;
      await access(path, constants.W_OK | constants.X_OK);
      return null;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" && path !== dirname(path)) continue;
      return code === "ENOTDIR"
        ? `a part of ${path} is not a directory`
        : `this user may not write to ${path} (${code ?? "unknown error"})`;
    }
  }
}

async function gatewayOf(home: string, signal: AbortSignal): Promise<StartFacts["running"]> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(GATEWAY_WITHIN_MS)]);
  try {
    const found = await runningGateway(home, { signal: within });
    return found ? { url: found.url } : null;
  } catch {
    signal.throwIfAborted();
    // It listens and says nothing that could be read: still starting, or of another version.
    return within.aborted ? { url: null } : null;
  }
}

async function listeningProblem(host: string, port: number): Promise<string | null> {
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, "listening");
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "unknown error";
  } finally {
    server.close();
  }
}
