import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way to a gateway that breaks as networks do. The gateway behind it may go and come back. */
export interface Wire {
  readonly port: number;
  /** Breaks all its connections. Returns how many there were. */
  cut(): number;
  /**
   * Carries nothing more on the connections that it has, and closes none. The returned function then breaks them for
   * the clients only: the gateway's ends stay open until `close`.
   */
  hold(): { connections: number; letGo: () => void };
  close(): Promise<void>;
}

export async function startWire(gatewayPort: number): Promise<Wire> {
  const pairs = new Set<{ near: Socket; far: Socket; held: boolean }>();
  const forgotten = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(gatewayPort, "127.0.0.1");
    const pair = { near, far, held: false };
    pairs.add(pair);
    const end = (): void => {
      if (pair.held) return;
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) socket.on("error", end).on("close", end);
    near.on("end", end);
    far.on("end", () => {
      if (!pair.held) near.end();
    });
    near.pipe(far, { end: false });
    far.pipe(near, { end: false });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      const cut = [...pairs].filter(({ held }) => !held);
      for (const { near, far } of cut) {
        near.destroy();
        far.destroy();
      }
      return cut.length;
    },
    hold() {
      const held = [...pairs].filter((pair) => !pair.held);
      for (const pair of held) {
        pair.held = true;
        pair.near.unpipe(pair.far).pause();
        pair.far.unpipe(pair.near).pause();
        forgotten.add(pair.far);
        pair.far.once("close", () => forgotten.delete(pair.far));
      }
      return {
        connections: held.length,
        letGo: () => {
          for (const pair of held) {
            pairs.delete(pair);
            pair.near.destroy();
          }
        },
      };
    },
    async close() {
      for (const { near, far } of pairs) {
        near.destroy();
        far.destroy();
      }
      for (const socket of forgotten) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
