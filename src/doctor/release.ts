/** A release as numbers, compared from the left. */
export type Release = readonly number[];

/** The numbers that a version starts with (`1.1.5+ds1` is 1.1.5); undefined where it starts with none. */
export function parseRelease(version: string): Release | undefined {
  const match = /^v?(\d+(?:\.\d+)*)/.exec(version);
  return match?.[1]?.split(".").map(Number);
}

/** Whether `version` is `other` or later. */
export function isAtLeast(version: Release, other: Release): boolean {
  for (let index = 0; index < Math.max(version.length, other.length); index += 1) {
    const difference = (version[index] ?? 0) - (other[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/**
 * Whether `version` has a repair that was published in `repaired`, one release for each line that was maintained, oldest
 * first. Lines after the last one have it from their start, lines between two from the release of their own only.
 */
export function hasRepair(version: Release, repaired: readonly Release[]): boolean {
  const ownLine = repaired.find((release) => sameLine(release, version));
  if (ownLine) return isAtLeast(version, ownLine);
  const newest = repaired.at(-1);
  return newest !== undefined && isAtLeast(version, newest);
}

/** Docker's lines are named by one number since 23, runc's by two. */
const sameLine = ([major, minor]: Release, [otherMajor, otherMinor]: Release): boolean =>
  major === otherMajor && ((major ?? 0) >= 23 || minor === otherMinor);
