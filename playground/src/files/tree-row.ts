import type { FileEntry } from "../../../src/client/index.js";
import { baseName } from "./file-path.js";

/** What is known of a directory. */
export interface Directory {
  /** Undefined until it is listed. */
  readonly entries: readonly FileEntry[] | undefined;
  /** It has more entries than the gateway lists. */
  readonly isTruncated: boolean;
  /** Why it could not be listed, as a sentence. */
  readonly failure: string | undefined;
}

interface Place {
  /** Equal for equal places. */
  readonly key: string;
  readonly level: number;
  readonly position: number;
  readonly siblings: number;
}

/** A row of the tree of files: a file or folder, words in a folder's place, or those that are not shown yet. */
export type TreeRow = Place &
  (
    | { readonly kind: "entry"; readonly entry: FileEntry; readonly isOpen: boolean }
    | { readonly kind: "note"; readonly words: string }
    | { readonly kind: "more"; readonly directory: string; readonly count: number }
  );

/** So many entries of a directory are shown at once, and as many again by its last row. */
export const ENTRIES_SHOWN = 200;

export interface TreeState {
  readonly directories: ReadonlyMap<string, Directory>;
  readonly open: ReadonlySet<string>;
  readonly shown: ReadonlyMap<string, number>;
  /** Whether entries are shown whose names begin with a dot. */
  readonly showsHidden: boolean;
}

/** Whether an entry is one that programs keep for themselves, by its name. */
export function isHidden({ path }: FileEntry): boolean {
  return baseName(path).startsWith(".");
}

const collator = new Intl.Collator(undefined, { numeric: true });

/** Folders first, then by name as people sort names. */
export function sortedEntries(entries: readonly FileEntry[]): FileEntry[] {
  const rank = (entry: FileEntry) => (entry.kind === "directory" ? 0 : 1);
  return entries.toSorted(
    (one, other) =>
      rank(one) - rank(other) || collator.compare(baseName(one.path), baseName(other.path)),
  );
}

/** The rows that can be seen, from top to bottom; none before the workspace is listed. */
export function visibleRows(state: TreeState): readonly TreeRow[] {
  const rows: TreeRow[] = [];
  const note = (path: string, level: number, words: string) =>
    rows.push({ kind: "note", key: `${path}//note`, level, position: 1, siblings: 1, words });

  const visit = (path: string, level: number) => {
    const directory = state.directories.get(path);
    if (directory?.entries === undefined) {
      if (level > 1) note(path, level, directory?.failure ?? "Loading");
      return;
    }
    const entries = state.showsHidden
      ? directory.entries
      : directory.entries.filter((entry) => !isHidden(entry));
    if (entries.length === 0 && level > 1) note(path, level, "Empty");
    const limit = state.shown.get(path) ?? ENTRIES_SHOWN;
    const isCut = entries.length > limit || directory.isTruncated;
    const siblings = Math.min(entries.length, limit) + (isCut ? 1 : 0);
    for (const [index, entry] of entries.slice(0, limit).entries()) {
      const isOpen = entry.kind === "directory" && state.open.has(entry.path);
      const place = { key: entry.path, level, position: index + 1, siblings };
      rows.push({ kind: "entry", ...place, entry, isOpen });
      if (isOpen) visit(entry.path, level + 1);
    }
    const place = { level, position: siblings, siblings };
    if (entries.length > limit) {
      const count = entries.length - limit;
      rows.push({ kind: "more", key: `${path}//more`, ...place, directory: path, count });
    } else if (directory.isTruncated) {
      const words = `Only the first ${directory.entries.length.toLocaleString("en")} are listed`;
      rows.push({ kind: "note", key: `${path}//cut`, ...place, words });
    }
  };
  visit("", 1);
  return rows;
}
