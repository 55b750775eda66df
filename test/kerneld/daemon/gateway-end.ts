import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";

export interface Hello {
  boot: string;
  role: "control" | "spare";
  proof: string | null;
}

export interface Dialled {
  hello: Hello;
  /** Whether the proof is what the key demands. */
  proven: boolean;
  socket: Socket;
}

/** How to answer a hello: a line of JSON, or a closed connection. */
export type Verdict = { key: string } | { ok: true } | { nonsense: true } | "close";

/** The gateway's end of the link: a Unix socket that takes hellos and hands on what was accepted. */
export interface GatewayEnd {
  readonly key: Buffer;
  /** The next connection of that role which was accepted, in order. */
  accepted(role: Hello["role"]): Promise<Dialled>;
  /** The next hello of that role, whatever became of it. */
  hello(role: Hello["role"]): Promise<Dialled>;
  /** Stops listening and breaks every connection. */
  close(): Promise<void>;
}

export interface GatewayEndOptions {
  path: string;
  key?: Buffer;
  /** Replaces the usual verdict: the key to the first unproven hello, `ok` to a proven one. */
  judge?: (dialled: Dialled) => Verdict;
}

/** Listens at `path` as the gateway of one sandbox would. */
export async function listen(options: GatewayEndOptions): Promise<GatewayEnd> {
  const key = options.key ?? randomBytes(32);
  let enrolled = options.key !== undefined;
  const judge =
    options.judge ??
    (({ hello, proven }: Dialled): Verdict => {
      if (proven) return { ok: true };
      if (enrolled || hello.role !== "control" || hello.proof !== null) return "close";
      enrolled = true;
      return { key: key.toString("hex") };
    });
  const accepted = { control: new Mailbox<Dialled>(), spare: new Mailbox<Dialled>() };
  const hellos = { control: new Mailbox<Dialled>(), spare: new Mailbox<Dialled>() };
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    const challenge = randomBytes(32).toString("hex");
    socket.write(`${JSON.stringify({ hotcell: 1, challenge })}\n`);
    readLine(socket, (line) => {
      const hello = JSON.parse(line) as Hello;
      const signed = `hotcell-link-1\n${hello.role}\n${hello.boot}\n${challenge}`;
      const proven = hello.proof === createHmac("sha256", key).update(signed).digest("hex");
      const dialled = { hello, proven, socket };
      const verdict = judge(dialled);
      hellos[hello.role].put(dialled);
      if (verdict === "close") {
        socket.destroy();
        return;
      }
      socket.write(`${JSON.stringify(verdict)}\n`);
      if (!("nonsense" in verdict)) accepted[hello.role].put(dialled);
    });
  });
  server.listen(options.path);
  await once(server, "listening");
  await chmod(options.path, 0o666);
  return {
    key,
    accepted: (role) => accepted[role].take(),
    hello: (role) => hellos[role].take(),
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      if (server.listening) await once(server, "close");
    },
  };
}

function readLine(socket: Socket, received: (line: string) => void): void {
  let text = "";
  socket.on("data", function take(data: Buffer) {
    text += data.toString();
    if (!text.endsWith("\n")) return;
    socket.off("data", take);
    socket.pause();
    received(text);
  });
}

/** Values in order for whoever takes them, now or when they come. */
class Mailbox<T> {
  readonly #values: T[] = [];
  readonly #waiting: ((value: T) => void)[] = [];

  put(value: T): void {
    const next = this.#waiting.shift();
    if (next) next(value);
    else this.#values.push(value);
  }

  take(): Promise<T> {
    const value = this.#values.shift();
    return value === undefined
      ? new Promise((resolve) => this.#waiting.push(resolve))
      : Promise.resolve(value);
  }
}
