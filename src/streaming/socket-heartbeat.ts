import type { WebSocket } from "@fastify/websocket";
import type { SocketWriter } from "./socket-writer.js";

const PING_MS = 30_000;

/**
 * Ends connections whose client is not there any more. An answer to a ping counts, and so does taking what was sent
 * before it: behind that a slow client comes to pings late. One that takes nothing is the writer's to let go.
 */
export function keepAlive(socket: WebSocket, writer: SocketWriter): void {
  let answered = true;
  let taken = 0;
  let buffered = 0;
  const beat = setInterval(() => {
    const progress = writer.taken !== taken || socket.bufferedAmount < buffered;
    taken = writer.taken;
    buffered = socket.bufferedAmount;
    if (writer.waiting || progress) return;
    if (!answered) {
      socket.terminate();
      return;
    }
    answered = false;
    socket.ping();
  }, PING_MS);
  socket.on("pong", () => (answered = true));
  socket.on("close", () => clearInterval(beat));
}
