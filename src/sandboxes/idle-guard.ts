import type { Socket } from "node:net";

/**
 * Watches a connection that carries no request: any byte drops it, because the next answer could no longer be told
 * from what came early. Returns what ends the watch.
 */
export function guardIdle(socket: Socket): () => void {
  const drop = () => socket.destroy();
  socket.on("data", drop);
  socket.resume();
  return () => socket.off("data", drop);
}
