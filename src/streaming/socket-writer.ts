import type { WebSocket } from "@fastify/websocket";

/** Past this many unsent bytes writers wait for the client. */
const HIGH_WATER_BYTES = 1024 * 1024;

/** A client that takes nothing for this long is let go; it can resume. */
const STALL_MS = 120_000;

/** "Try Again Later" in the registry of RFC 6455's close codes. */
const TRY_AGAIN_LATER = 1013;

/** Writes messages to a socket, in order, at the client's pace. */
export class SocketWriter {
  #full: Promise<void> | undefined;

  constructor(private readonly socket: WebSocket) {}

  /** Resolves when more may be sent; rejects when the client has gone. */
  async send(text: string): Promise<void> {
    while (this.#full !== undefined) await this.#full;
    if (this.socket.readyState !== this.socket.OPEN) throw new Error("the client has gone");
    if (this.socket.bufferedAmount < HIGH_WATER_BYTES) {
      this.socket.send(text);
      return;
    }
    this.#full = this.#written(text).finally(() => (this.#full = undefined));
    await this.#full;
  }

  #written(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const stalled = setTimeout(() => {
        this.socket.close(TRY_AGAIN_LATER, "slow_consumer");
        this.socket.terminate();
      }, STALL_MS);
      this.socket.send(text, (error) => {
        clearTimeout(stalled);
        if (error) reject(error);
        else resolve();
      });
    });
  }
}
