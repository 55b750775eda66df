import { randomBytes } from "node:crypto";
import { type Socket, connect } from "node:net";

import { proofOf } from "../../src/sandboxes/hello.js";

/** What a double knows of itself and its key; shared by its connections. */
export interface Identity {
  boot: string;
  key: string | null;
}

export function newIdentity(): Identity {
  return { boot: randomBytes(16).toString("hex"), key: null };
}

/** A raw connection to the gateway's socket. */
export function dialRaw(socketPath: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      socket.on("error", () => undefined);
      resolve(socket);
    });
  });
}

/** One line, or null when the connection ends first. What follows the line stays unread. */
export function readLine(socket: Socket): Promise<string | null> {
  return new Promise((resolve) => {
    let text = "";
    const settle = (line: string | null) => {
      socket.off("readable", onReadable);
      socket.off("close", onClose);
      socket.off("end", onClose);
      resolve(line);
    };
    const onClose = () => settle(null);
    const onReadable = () => {
      for (;;) {
        const byte = socket.read(1) as Buffer | null;
        if (byte === null) return;
        if (byte[0] === 0x0a) {
          settle(text);
          return;
        }
        text += byte.toString("latin1");
      }
    };
    socket.on("readable", onReadable);
    socket.on("close", onClose);
    socket.on("end", onClose);
    onReadable();
  });
}

/** The gateway's challenge. */
export async function readChallenge(socket: Socket): Promise<string> {
  const line = await readLine(socket);
  return (JSON.parse(line ?? "{}") as { challenge: string }).challenge;
}

/** The hello that an honest kerneld sends. */
export function helloFor(identity: Identity, role: "control" | "spare", challenge: string): string {
  const { boot, key } = identity;
  const proof = key === null ? null : proofOf(key, role, boot, challenge);
  return `${JSON.stringify({ boot, role, proof })}\n`;
}

/** Dials and greets; enrols when there is no key yet. Null when the gateway refused. */
export async function dial(
  socketPath: string,
  identity: Identity,
  role: "control" | "spare",
): Promise<Socket | null> {
  const socket = await dialRaw(socketPath);
  const challenge = await readChallenge(socket);
  socket.write(helloFor(identity, role, challenge));
  const answer = await readLine(socket);
  if (answer === null) return null;
  const { key } = JSON.parse(answer) as { key?: string };
  if (key !== undefined) identity.key = key;
  return socket;
}
