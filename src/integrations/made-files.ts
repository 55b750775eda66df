import type { Session } from "../client/index.js";
import { filePath } from "../client/path.js";

/** A file that a run has made or changed. */
export interface MadeFile {
  /** Below `/workspace`. */
  path: string;
  bytes: number;
  /** Where the gateway has it. */
  href: string;
}

/** How deep below `/workspace` files are looked for, and how many are told of. */
const DEPTH = 3;
const MOST = 20;

/** Sandboxes stamp files with a clock that steps: it may lag the gateway's by as much. */
const CLOCK_STEP_MS = 10;

/** Caches, and what programs hide. */
function isHidden(path: string): boolean {
  return path.split("/").some((name) => name.startsWith(".") || name === "__pycache__");
}

/**
 * Files that were written since `since`, the newest first. One that keeps an older time, as an unpacked archive's do, is
 * not among them. Throws as every call to the gateway does.
 */
export async function filesMadeSince(
  session: Session,
  since: Date,
  signal: AbortSignal | undefined,
): Promise<MadeFile[]> {
  const { entries } = await session.files.list("", { depth: DEPTH, signal });
  const earliest = since.getTime() - CLOCK_STEP_MS;
  return entries
    .filter(({ kind, path }) => kind === "file" && !isHidden(path))
    .map((entry) => ({ ...entry, at: Date.parse(entry.modified_at) }))
    .filter(({ at }) => at >= earliest)
    .sort((one, other) => other.at - one.at)
    .slice(0, MOST)
    .map(({ path, size }) => ({ path, bytes: size, href: filePath(session.id, path) }));
}
