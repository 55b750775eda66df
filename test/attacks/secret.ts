import { createHash } from "node:crypto";

/** Bytes that an attacker is not to have, told such that they can be known when found and not said: all values in hex. */
export interface Secret {
  of: string;
  /** How they begin. */
  head: string;
  length: number;
  sha256: string;
}

export function secret(of: string, bytes: Buffer | string): Secret {
  const buffer = Buffer.from(bytes);
  return {
    of,
    head: buffer.subarray(0, 5).toString("hex"),
    length: buffer.length,
    sha256: createHash("sha256").update(buffer).digest("hex"),
  };
}
