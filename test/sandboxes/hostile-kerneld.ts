import type { Socket } from "node:net";

import { type Identity, dial, newIdentity } from "./dial.js";

/** A request as it came, its head parsed no further than this. */
export interface RawRequest {
  method: string;
  path: string;
  body: string;
}

/** Writes whatever it likes to the connection that carries the request. */
export type Misbehaviour = (socket: Socket, request: RawRequest) => void;

/** A kerneld that says what its test tells it to. */
export interface HostileKerneld {
  readonly identity: Identity;
  /** Requests so far. */
  readonly requests: RawRequest[];
  /** The connections that stand. */
  readonly sockets: Set<Socket>;
  /** By start of the path. `/ping` is answered well unless it stands here. */
  readonly answers: Map<string, Misbehaviour>;
  /** Dials and greets once more. Null when refused. */
  dial(role: "control" | "spare"): Promise<Socket | null>;
  close(): void;
}

/** Enrols, dials one spare, and another one for each request. */
export async function startHostileKerneld(
  socketPath: string,
  answers: Record<string, Misbehaviour> = {},
): Promise<HostileKerneld> {
  const identity = newIdentity();
  const sockets = new Set<Socket>();
  let closed = false;

  const kerneld: HostileKerneld = {
    identity,
    requests: [],
    sockets,
    answers: new Map(Object.entries(answers)),
    dial: async (role) => {
      const socket = await dial(socketPath, identity, role);
      if (socket === null) return null;
      if (closed) {
        socket.destroy();
        return null;
      }
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      listen(socket);
      return socket;
    },
    close: () => {
      closed = true;
      for (const socket of sockets) socket.destroy();
    },
  };

  const listen = (socket: Socket) => {
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      for (;;) {
        const end = text.indexOf("\r\n\r\n");
        if (end < 0) return;
        const head = text.slice(0, end);
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        if (text.length < end + 4 + length) return;
        const [method = "", path = ""] = head.split(" ");
        const request = { method, path, body: text.slice(end + 4, end + 4 + length) };
        text = text.slice(end + 4 + length);
        kerneld.requests.push(request);
        if (path !== "/ping" && !closed) kerneld.dial("spare").catch(() => undefined);
        misbehave(socket, request);
      }
    });
  };

  const misbehave: Misbehaviour = (socket, request) => {
    for (const [start, behaviour] of kerneld.answers) {
      if (request.path.startsWith(start)) {
        behaviour(socket, request);
        return;
      }
    }
    if (request.path === "/ping") {
      socket.write(jsonAnswer({ boot: identity.boot, now: Date.now() }));
    } else {
      socket.write(jsonAnswer({ code: "not_found", detail: "" }, 404));
    }
  };

  await kerneld.dial("control");
  await kerneld.dial("spare");
  return kerneld;
}

/** A whole answer, well-formed. */
export function jsonAnswer(body: object | string, status = 200): string {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return `HTTP/1.1 ${status} Whatever\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** The head of an answer whose chunked body is still to come. */
export function chunkedHead(headers = ""): string {
  return `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n${headers}\r\n`;
}

/** One chunk of a chunked body. */
export function chunk(bytes: Buffer | string): Buffer {
  const body = Buffer.from(bytes as string);
  return Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n")]);
}

/** Writes the same bytes without end, at the pace of whoever reads them. */
export function flood(socket: Socket, bytes: Buffer | string): void {
  const pour = () => {
    while (!socket.destroyed) {
      if (!socket.write(bytes)) {
        socket.once("drain", pour);
        return;
      }
    }
  };
  pour();
}
