import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import { z } from "zod";

const HELLO_LIMIT_BYTES = 1024;
const NEWLINE = 0x0a;

/** What identifies a sandbox on its link from the first hello on. Stored durably; the key is secret. */
export interface Enrolment {
  /** The link key: 32 bytes as 64 lower-case hex digits. */
  key: string;
  /** kerneld's boot id: 32 lower-case hex digits. */
  boot: string;
}

const hello = z.strictObject({
  boot: z.string().regex(/^[0-9a-f]{32}$/),
  role: z.enum(["control", "spare"]),
  proof: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
});

export type Hello = z.infer<typeof hello>;

/** A fresh link key. */
export function newKey(): string {
  return randomBytes(32).toString("hex");
}

/** A fresh challenge: 32 bytes as hex, never used twice. */
export function newChallenge(): string {
  return randomBytes(32).toString("hex");
}

/** The proof that the holder of `key` gives for a challenge. */
export function proofOf(key: string, role: string, boot: string, challenge: string): string {
  return createHmac("sha256", Buffer.from(key, "hex"))
    .update(`hotcell-link-1\n${role}\n${boot}\n${challenge}`)
    .digest("hex");
}

/** Whether a hello proves the enrolled key for this challenge, and is of the enrolled boot. */
export function isProven(said: Hello, enrolment: Enrolment, challenge: string): boolean {
  const expected = proofOf(enrolment.key, said.role, said.boot, challenge);
  const given = said.proof ?? "0".repeat(expected.length);
  const matches = timingSafeEqual(Buffer.from(given), Buffer.from(expected));
  return matches && said.boot === enrolment.boot;
}

/**
 * Reads the hello: one line of at most 1 KiB, nothing behind it, within `withinMs`. Null for anything else.
 * Leaves the socket paused and without listeners of its own.
 */
export function readHello(socket: Socket, withinMs: number): Promise<Hello | null> {
  return new Promise((resolve) => {
    let line = Buffer.alloc(0);
    const settle = (said: Hello | null) => {
      clearTimeout(timer);
      socket.pause();
      socket.off("data", onData);
      socket.off("close", onClose);
      resolve(said);
    };
    const onClose = () => settle(null);
    const onData = (chunk: Buffer) => {
      if (line.length + chunk.length > HELLO_LIMIT_BYTES) {
        settle(null);
        return;
      }
      line = Buffer.concat([line, chunk]);
      const end = line.indexOf(NEWLINE);
      if (end < 0) return;
      settle(end === line.length - 1 ? parseHello(line.toString("utf8")) : null);
    };
    const timer = setTimeout(() => settle(null), withinMs);
    socket.on("data", onData);
    socket.on("close", onClose);
    socket.resume();
  });
}

function parseHello(line: string): Hello | null {
  try {
    return hello.parse(JSON.parse(line));
  } catch {
    return null;
  }
}
