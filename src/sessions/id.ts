import { randomBytes, randomInt } from "node:crypto";

const CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz";
const DNS_LABEL = "abcdefghijklmnopqrstuvwxyz0123456789";

function encode(value: bigint, length: number): string {
  let text = "";
  for (let index = 0; index < length; index += 1) {
    text = (CROCKFORD[Number(value & 31n)] ?? "") + text;
    value >>= 5n;
  }
  return text;
}

/**
 * An id that sorts by the time it was made: prefix, 48 bits of milliseconds and 80 random bits in Crockford's base 32,
 * as ULIDs have them.
 */
export function makeId(prefix: "ses" | "exe"): string {
  const time = encode(BigInt(Date.now()), 10);
  const random = encode(BigInt(`0x${randomBytes(10).toString("hex")}`), 16);
  return `${prefix}_${time}${random}`;
}

/** A sandbox's id: 20 lower-case letters and digits, the first a letter, so that it can be a DNS label. */
export function makeSandboxId(): string {
  let id = DNS_LABEL[randomInt(26)] ?? "";
  while (id.length < 20) id += DNS_LABEL[randomInt(36)] ?? "";
  return id;
}
