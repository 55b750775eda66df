import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { PrerequisiteError } from "./prerequisite-error.js";
import { onPath } from "./program-path.js";

/** The files of subuid(5) and subgid(5). */
const FILES = ["/etc/subuid", "/etc/subgid"];
const FIRST_ID = 100_000;
const COUNT = 65_536;

/**
 * Sees to it that this user may map ids of its own in a user namespace, as a build by an ordinary user needs.
 *
 * @throws PrerequisiteError that says which command, run once, allows it.
 */
export async function checkSubordinateIds(files: readonly string[] = FILES): Promise<void> {
  if (!((await onPath("newuidmap")) && (await onPath("newgidmap"))))
    throw new PrerequisiteError(
      "the image is built from Debian packages with ids of its own, which an ordinary user maps with newuidmap and " +
        "newgidmap, which are not installed; run: sudo apt-get install uidmap",
    );
  const { username } = userInfo();
  const texts = await Promise.all(
    files.map(async (file) => readFile(file, "utf8").catch(() => "")),
  );
  if (!texts.every((text) => rangesOf(text).some(({ owner }) => owner === username)))
    throw new PrerequisiteError(
      `the image is built from Debian packages with ids of its own, and ${username} has none in ` +
        `${files.join(" and ")}; run: ${allocation(username, texts)}`,
    );
}

/** The command that gives the user the first ids after all that are given. */
function allocation(user: string, texts: readonly string[]): string {
  const ends = texts.flatMap(rangesOf).map(({ first, count }) => first + count);
  const first = Math.max(FIRST_ID, ...ends);
  const range = `${first}-${first + COUNT - 1}`;
  return `sudo usermod --add-subuids ${range} --add-subgids ${range} ${user}`;
}

interface IdRange {
  owner: string;
  first: number;
  count: number;
}

function rangesOf(text: string): IdRange[] {
  return text.split("\n").flatMap((line) => {
    const match = /^([^:]+):(\d+):(\d+)$/.exec(line.trim());
    if (!match) return [];
    return [{ owner: match[1] ?? "", first: Number(match[2]), count: Number(match[3]) }];
  });
}
