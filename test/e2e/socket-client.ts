import { once } from "node:events";
import { WebSocket } from "ws";
import type { GatewayProcess } from "./gateway-process.js";

/** Anything that the gateway sends. */
export type SocketMessage = { type: string; ref?: string; n?: number } & Record<string, unknown>;

/** A client of a session's WebSocket that remembers what it got. */
export class SocketClient {
  readonly messages: SocketMessage[] = [];
  readonly #waiting = new Set<() => void>();

  private constructor(readonly socket: WebSocket) {
    socket.on("message", (data: Buffer) => {
      this.messages.push(JSON.parse(data.toString()) as SocketMessage);
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    });
  }

  static async open(gateway: GatewayProcess, session: string): Promise<SocketClient> {
    const url = `${gateway.url.replace("http", "ws")}/v1/sessions/${session}/stream`;
    const client = new SocketClient(
      new WebSocket(url, { headers: { authorization: `Bearer ${gateway.key}` } }),
    );
    await once(client.socket, "open");
    return client;
  }

  send(message: object | string): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** The first message that fits, waiting for it. */
  async until(fits: (message: SocketMessage) => boolean): Promise<SocketMessage> {
    for (;;) {
      const found = this.messages.find(fits);
      if (found) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  finished(ref: string): Promise<SocketMessage> {
    return this.until((message) => message.ref === ref && message.type === "execution_finished");
  }

  /** Ends the connection without a word. */
  close(): void {
    this.socket.terminate();
  }

  of(ref: string): SocketMessage[] {
    return this.messages.filter((message) => message.ref === ref);
  }
}
