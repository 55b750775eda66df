import type { WebSocket } from "@fastify/websocket";
import { piecesOf } from "./pieces.js";
import { STALL_MS } from "./response-stream.js";

/** Past this many unsent bytes writers wait for the client. */
const HIGH_WATER_BYTES = 1024 * 1024;

/** "Try Again Later" in the registry of RFC 6455's close codes. */
const TRY_AGAIN_LATER = 1013;

export interface SocketWriterOptions {
  /** A client that takes nothing for so long is let go: it can resume. Two minutes when absent. */
  stallMs?: number | undefined;
  /** Told when that happens. */
  onStall?: (() => void) | undefined;
}

/** Writes messages to a socket, in order, at the client's pace. */
export class SocketWriter {
  #waiting: Promise<void> | undefined;
  #taken = 0;

  constructor(
    private readonly socket: WebSocket,
    private readonly options: SocketWriterOptions = {},
  ) {}

  /** Whether a message waits for the client to take what was sent before: it is let go if it does not. */
  get waiting(): boolean {
    return this.#waiting !== undefined;
  }

  /** Changes whenever the client has taken something that was waited for. */
  get taken(): number {
    return this.#taken;
  }

  /** Resolves when more may be sent; rejects when the client has gone. */
  async send(text: string): Promise<void> {
    while (this.#waiting !== undefined) await this.#waiting;
    if (this.socket.readyState !== this.socket.OPEN) throw new Error("the client has gone");
    const pieces = piecesOf(text);
    if (pieces.length === 1 && this.socket.bufferedAmount < HIGH_WATER_BYTES) {
      this.socket.send(text);
      return;
    }
    this.#waiting = this.#sendAll(pieces).finally(() => (this.#waiting = undefined));
    await this.#waiting;
  }

  /** A long message goes in fragments (RFC 6455, 5.4), so that a slow client is seen to make progress. */
  async #sendAll(pieces: (string | Buffer)[]): Promise<void> {
    for (const [index, piece] of pieces.entries()) {
      await this.#taking(piece, index === pieces.length - 1);
      this.#taken += 1;
    }
  }

  #taking(piece: string | Buffer, fin: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const stalled = setTimeout(() => {
        this.options.onStall?.();
        // The close stands behind what was not taken; a client that does not come to it is cut off by the library.
        this.socket.close(TRY_AGAIN_LATER, "slow_consumer");
        reject(new Error("the client takes nothing"));
      }, this.options.stallMs ?? STALL_MS);
      this.socket.send(piece, { fin, binary: false }, (error) => {
        clearTimeout(stalled);
        if (error) reject(error);
        else resolve();
      });
    });
  }
}
