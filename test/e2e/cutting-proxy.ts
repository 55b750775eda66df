import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way to a gateway that breaks. */
export interface CuttingProxy {
  readonly url: string;
  /** How many connections it has cut. */
  readonly cuts: number;
  /** Cuts each of the next `times` connections that carry so many bytes of answers, in the midst of them. */
  cutAfter(bytes: number, times?: number): void;
  /** Cuts all connections, and takes no more. */
  cut(): Promise<void>;
  close(): Promise<void>;
}

/** A TCP proxy in front of a gateway. */
export async function startCuttingProxy(gateway: string): Promise<CuttingProxy> {
  const { hostname, port } = new URL(gateway);
  const sockets = new Set<Socket>();
  let limit = Infinity;
  let left = Infinity;
  let cuts = 0;
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    const drop = (): void => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", drop);
      socket.on("close", () => {
        sockets.delete(socket);
        drop();
      });
    }
    near.pipe(far, { end: false });
    let carried = 0;
    far.on("data", (chunk) => {
      const room = limit - carried;
      if (chunk.length <= room || left <= 0) {
        carried += chunk.length;
        near.write(chunk);
        return;
      }
      cuts += 1;
      left -= 1;
      if (room <= 0) drop();
      else near.end(chunk.subarray(0, room), drop);
    });
  });
  const cut = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get cuts() {
      return cuts;
    },
    cutAfter: (bytes, times = Infinity) => {
      limit = bytes;
      left = times;
      for (const socket of sockets) socket.destroy();
    },
    cut,
    close: cut,
  };
}
