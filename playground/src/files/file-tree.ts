import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { HotcellError, type Listing } from "../../../src/client/index.js";
import { fileErrorWords } from "./file-error.js";
import { isWithin } from "./file-path.js";
import {
  type Directory,
  ENTRIES_SHOWN,
  isHidden,
  sortedEntries,
  type TreeRow,
  visibleRows,
} from "./tree-row.js";

/** Lists one level of a directory; "" is the workspace. Throws HotcellError, or its signal's reason. */
export type ListDirectory = (path: string, signal: AbortSignal) => Promise<Listing>;

/** The session's files as far as they have been looked at. */
export interface FileTree {
  readonly rows: ReadonlySignal<readonly TreeRow[]>;
  /** The workspace itself: undefined until it has been asked for. */
  readonly root: ReadonlySignal<Directory | undefined>;
  readonly isRefreshing: ReadonlySignal<boolean>;
  /** How many entries of what is open have names that begin with a dot. */
  readonly hiddenCount: ReadonlySignal<number>;
  /** Whether those are shown. */
  readonly showsHidden: Signal<boolean>;
  open: (path: string) => void;
  close: (path: string) => void;
  showMore: (path: string) => void;
  /** Lists everything again that is open. What fails is told in the directory's place. */
  refresh: () => Promise<void>;
  /** Another session: nothing is known of its files. */
  reset: () => void;
}

const GONE = ["file_not_found", "not_a_directory"];

export function createFileTree(list: ListDirectory): FileTree {
  const directories = signal<ReadonlyMap<string, Directory>>(new Map());
  const open = signal<ReadonlySet<string>>(new Set());
  const shown = signal<ReadonlyMap<string, number>>(new Map());
  const refreshing = signal<Promise<void> | undefined>(undefined);
  const showsHidden = signal(false);
  /** How often a refresh was asked for. */
  let asked = 0;
  let current = new AbortController();

  const know = (path: string, directory: Directory) => {
    directories.value = new Map(directories.value).set(path, directory);
  };

  const forget = (path: string) =>
    batch(() => {
      directories.value = new Map(
        [...directories.value].filter(([known]) => !isWithin(known, path)),
      );
      open.value = new Set([...open.value].filter((known) => !isWithin(known, path)));
    });

  /** Answers whether the gateway could be asked. */
  const look = async (path: string, { signal } = current): Promise<boolean> => {
    try {
      const { entries, truncated } = await list(path, signal);
      if (signal.aborted) return false;
      know(path, { entries: sortedEntries(entries), isTruncated: truncated, failure: undefined });
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      if (path !== "" && error instanceof HotcellError && GONE.includes(error.code)) {
        forget(path);
        return true;
      }
      const failure = `The files cannot be listed: ${fileErrorWords(error)}.`;
      const { entries, isTruncated = false } = directories.value.get(path) ?? {};
      know(path, { entries, isTruncated, failure });
      return false;
    }
  };

  /** One call after the other: a sandbox takes few at a time. */
  const lookAtAll = async (): Promise<void> => {
    const { signal } = current;
    let answered: number;
    try {
      do {
        answered = asked;
        if (!(await look(""))) return;
        for (const path of [...open.value].sort())
          if (open.value.has(path) && !signal.aborted) await look(path);
      } while (answered !== asked && !signal.aborted);
    } finally {
      if (!signal.aborted) refreshing.value = undefined;
    }
  };

  return {
    rows: computed(() =>
      visibleRows({
        directories: directories.value,
        open: open.value,
        shown: shown.value,
        showsHidden: showsHidden.value,
      }),
    ),
    hiddenCount: computed(() =>
      ["", ...open.value].reduce((count, path) => {
        const entries = directories.value.get(path)?.entries ?? [];
        return count + entries.filter(isHidden).length;
      }, 0),
    ),
    showsHidden,
    root: computed(() => directories.value.get("")),
    isRefreshing: computed(() => refreshing.value !== undefined),
    open(path) {
      if (open.value.has(path)) return;
      open.value = new Set(open.value).add(path);
      void look(path);
    },
    close(path) {
      open.value = new Set([...open.value].filter((known) => !isWithin(known, path)));
    },
    showMore(path) {
      const before = shown.value.get(path) ?? ENTRIES_SHOWN;
      shown.value = new Map(shown.value).set(path, before + ENTRIES_SHOWN);
    },
    async refresh() {
      asked += 1;
      refreshing.value ??= lookAtAll();
      await refreshing.value;
    },
    reset() {
      current.abort(new DOMException("Another session's files are shown", "AbortError"));
      current = new AbortController();
      batch(() => {
        refreshing.value = undefined;
        directories.value = new Map();
        open.value = new Set();
        shown.value = new Map();
      });
    },
  };
}
