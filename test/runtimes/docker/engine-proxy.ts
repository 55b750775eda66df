import { once } from "node:events";
import { createServer, connect, type Socket } from "node:net";
import { join } from "node:path";

/** What happens to a request on its way. */
export interface Interference {
  /** Called before the engine sees the request. */
  before?: () => void;
  /** Answered in the engine's place. */
  answer?: { status: number; message: string };
  /** The connection breaks before the engine sees the request. */
  loseRequest?: boolean;
  /** Called when the engine has answered, before the client sees it. */
  after?: () => void | Promise<void>;
  /** The connection breaks instead of the engine's answer. */
  loseAnswer?: boolean;
}

/** Stands between a runtime and the engine, one request a connection. */
export interface EngineProxy {
  address: string;
  /** Decides about each request by its method and path, without version and query. */
  interfere: (request: string) => Interference | undefined;
  /** Breaks all connections and takes no more, as an engine that restarts. */
  cut(): void;
  mend(): void;
  close(): void;
}

export async function startEngineProxy(directory: string, engine: string): Promise<EngineProxy> {
  const path = join(directory, "engine.sock");
  const sockets = new Set<Socket>();
  let isCut = false;

  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
  };

  const server = createServer((client) => {
    keep(client);
    if (isCut) {
      client.destroy();
      return;
    }
    client.once("data", (head: Buffer) => {
      const [method = "", target = ""] = head.toString("latin1").split(" ");
      const what = proxy.interfere(`${method} ${target.split("?")[0] ?? ""}`) ?? {};
      what.before?.();
      if (what.loseRequest) {
        client.destroy();
      } else if (what.answer) {
        const body = JSON.stringify({ message: what.answer.message });
        client.end(
          `HTTP/1.1 ${what.answer.status} Interference\r\nContent-Type: application/json\r\n` +
            `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
        );
      } else {
        forward(client, head, what);
      }
    });
  });

  function forward(client: Socket, head: Buffer, what: Interference): void {
    const upstream = connect(engine);
    keep(upstream);
    upstream.write(head);
    client.pipe(upstream);
    upstream.once("data", (answer: Buffer) => {
      upstream.pause();
      void Promise.resolve(what.after?.()).then(() => {
        if (what.loseAnswer) {
          client.destroy();
          upstream.destroy();
          return;
        }
        client.write(answer);
        upstream.pipe(client);
      });
    });
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  }

  const proxy: EngineProxy = {
    address: `unix://${path}`,
    interfere: () => undefined,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    mend: () => void (isCut = false),
    close() {
      this.cut();
      server.close();
    },
  };
  server.listen(path);
  await once(server, "listening");
  return proxy;
}
