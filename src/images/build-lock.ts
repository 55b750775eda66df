import { once } from "node:events";
import { rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";

/**
 * Runs `action` while this process holds the lock at `path`; others wait until it is free. The lock is a
 * listening Unix socket: who waits is connected to it and so learns at once that its holder is done or dead, and
 * one that a dead process left behind refuses connections and is taken over. Two processes that take over at
 * the same instant may both get it, so what is done under it must bear being done twice.
 *
 * @throws the signal's reason when it is aborted while waiting, and whatever `action` throws.
 */
export async function withBuildLock<T>(
  path: string,
  { signal, onWait }: { signal: AbortSignal; onWait?: () => void },
  action: () => Promise<T>,
): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    const release = await acquire(path);
    if (release) {
      try {
        return await action();
      } finally {
        await release();
      }
    }
    const holderLived = await waitForHolder(path, signal, onWait);
    if (!holderLived) await rm(path, { force: true });
  }
}

/** Resolves with what frees the lock, or with nothing when somebody has it. */
async function acquire(path: string): Promise<(() => Promise<void>) | undefined> {
  const waiting = new Set<Socket>();
  const server = createServer((socket) => {
    waiting.add(socket);
    socket.on("close", () => waiting.delete(socket));
    // A waiter that vanishes is of no interest to the holder.
    socket.on("error", () => socket.destroy());
  });
  server.listen(path);
  try {
    await once(server, "listening");
  } catch (error) {
    if (errorCode(error) === "EADDRINUSE") return undefined;
    throw error;
  }
  return async () => {
    const closed = once(server, "close");
    server.close();
    for (const socket of waiting) socket.destroy();
    await closed;
  };
}

/** Resolves when the holder lets go, with whether there was a live one. */
async function waitForHolder(
  path: string,
  signal: AbortSignal,
  onWait: (() => void) | undefined,
): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, "connect", { signal });
    onWait?.();
    // A reset says the same as an orderly end: the holder is gone.
    socket.on("error", () => socket.destroy()).resume();
    await once(socket, "close", { signal });
    return true;
  } catch (error) {
    if (errorCode(error) === "ECONNREFUSED") return false;
    // The holder removed the lock, or closed it, between our two looks at it.
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ECONNRESET") return true;
    throw signal.aborted ? signal.reason : error;
  } finally {
    socket.destroy();
  }
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}
