import { randomBytes, randomInt } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { RuntimeError } from "../runtime.js";

/** User and group ids of this machine that belong to a home's sandboxes. */
export interface IdBlock {
  first: number;
  count: number;
}

/** User ids from `from` to `to`, both included. */
export interface IdRange {
  from: number;
  to: number;
}

/** Far from the ids of people, services and subordinate ranges, and below 2^31. */
export const DEFAULT_ID_RANGE: IdRange = { from: 1_000_000_000, to: 1_999_999_999 };

const COUNT = 65_536;

const kept = z.object({ first: z.int().min(1), count: z.literal(COUNT) });

/** The ids that there are in this process's user namespace, from a text like `/proc/self/uid_map`. */
export function parseIdMap(text: string): IdRange[] {
  return text.split("\n").flatMap((line) => {
    const [inside, , count] = line.trim().split(/\s+/).map(Number);
    if (inside === undefined || !(count !== undefined && count > 0)) return [];
    return [{ from: inside, to: inside + count - 1 }];
  });
}

/** The parts of `range` in which a whole block fits, as all the maps have them. */
export function roomFor(range: IdRange, maps: readonly IdRange[][]): IdRange[] {
  let parts = [range];
  for (const map of maps) {
    parts = parts.flatMap((part) =>
      map.map(({ from, to }) => ({ from: Math.max(from, part.from), to: Math.min(to, part.to) })),
    );
  }
  return parts.filter(({ from, to }) => to - from + 1 >= COUNT);
}

/**
 * The block of ids of the home whose runtime keeps its files in `directory`, drawn at its first use; undefined where
 * this process cannot have ids other than its own: it is not root, or is root of a small user namespace.
 * @throws RuntimeError `invalid_specification` for a range that has no room for a block
 */
export async function homeIdBlock(
  directory: string,
  range: IdRange = DEFAULT_ID_RANGE,
): Promise<IdBlock | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  if (range.to - range.from + 1 < COUNT) {
    throw new RuntimeError(
      "invalid_specification",
      `The range of user ids ${range.from} to ${range.to} is smaller than the ${COUNT} that sandboxes of the local runtime take`,
    );
  }
  const [uids, gids] = await Promise.all(
    ["uid_map", "gid_map"].map((name) => readFile(`/proc/self/${name}`, "utf8").then(parseIdMap)),
  );
  const parts = roomFor(range, [uids ?? [], gids ?? []]);
  const part = parts[randomInt(Math.max(1, parts.length))];
  if (!part) return undefined;
  const first = part.from + COUNT * randomInt(Math.floor((part.to - part.from + 1) / COUNT));
  return keep(join(directory, "ids.json"), { first, count: COUNT });
}

/** What the file says, which gets `block` where it is not there: whoever is first says it for all. */
async function keep(path: string, block: IdBlock): Promise<IdBlock> {
  const read = async (): Promise<IdBlock> =>
    kept.parse(JSON.parse(await readFile(path, "utf8")) as unknown);
  try {
    return await read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  await mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
  const own = `${path}.${randomBytes(6).toString("hex")}`;
  await writeFile(own, JSON.stringify(block), { mode: 0o600, flush: true });
  try {
    await link(own, path);
    return block;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return await read();
  } finally {
    await rm(own, { force: true });
  }
}
