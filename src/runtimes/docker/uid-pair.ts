import { randomInt } from "node:crypto";
import { RuntimeError, type UidPair } from "../runtime.js";

/** User ids from `from` to `to`, both included. */
export interface UidRange {
  from: number;
  to: number;
}

/** Far from the ids of people, services and subordinate ranges, and below 2^31. */
export const HIGH_UID_RANGE: UidRange = { from: 1_000_000_000, to: 1_999_999_999 };

/** Inside the 65,536 ids that rootless and remapped engines have. */
export const NARROW_UID_RANGE: UidRange = { from: 10_000, to: 64_999 };

/**
 * Draws two neighbouring user ids that no other sandbox on the engine has. They are never shared because the kernel
 * counts inotify instances, pipe pages, pending signals and locked memory per user id, across containers.
 */
export function drawUidPair(range: UidRange, taken: ReadonlySet<number>): UidPair {
  const first = Math.ceil(range.from / 2);
  const pairs = Math.floor((range.to + 1) / 2) - first;
  if (pairs < 1) {
    throw new RuntimeError(
      "invalid_specification",
      `The range of user ids ${range.from} to ${range.to} has no pair of ids in it`,
    );
  }
  const start = randomInt(Math.min(pairs, 2 ** 47));
  for (let step = 0; step < pairs; step += 1) {
    const user = 2 * (first + ((start + step) % pairs));
    if (!taken.has(user) && !taken.has(user + 1)) return { user, kerneld: user + 1 };
  }
  throw new RuntimeError(
    "sandbox_start_failed",
    `All user ids from ${range.from} to ${range.to} belong to sandboxes: end some, or configure a larger range`,
  );
}
