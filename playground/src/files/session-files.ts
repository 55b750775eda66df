import { effect, type ReadonlySignal, signal, untracked } from "@preact/signals";
import { type FileEntry, HotcellError, type Session } from "../../../src/client/index.js";
import { announce } from "../layout/announcer.jsx";
import type { Playground } from "../playground.js";
import { isOver, refusalWords } from "../sessions/session-end.js";
import { baseName, pathIn } from "./file-path.js";
import { createFileTree, type FileTree } from "./file-tree.js";
import { readStart, readWhole } from "./read-body.js";
import { saveBlob } from "./save-blob.js";
import { createTransfers, type Transfers } from "./transfers.js";
import { uploadFetch } from "./upload-fetch.js";
import { planUploads, type TakenChoice } from "./upload-plan.js";

/** Files are to be uploaded whose names are taken; without a choice none is. */
export interface TakenQuestion {
  readonly names: readonly string[];
  readonly choose: (choice: TakenChoice | undefined) => void;
}

/** The files of the page's session, and what can be done with them. */
export interface PageFiles {
  readonly tree: FileTree;
  readonly transfers: Transfers;
  readonly question: ReadonlySignal<TakenQuestion | undefined>;
  /** Stores files in a directory, "" for the workspace; makes the session where there is none. Throws HotcellError. */
  upload: (files: readonly File[], directory: string) => Promise<void>;
  download: (entry: FileEntry) => Promise<void>;
  /** Removes a file, or a directory with what is in it. Throws HotcellError. */
  remove: (entry: FileEntry) => Promise<void>;
  /** A file's first bytes, at most `limit`. Throws HotcellError, or the signal's reason. */
  start: (path: string, limit: number, signal: AbortSignal) => ReturnType<typeof readStart>;
}

function counted(count: number): string {
  return count === 1 ? "1 file" : `${count.toLocaleString("en")} files`;
}

function createPageFiles({ session: current, gateway }: Playground): PageFiles {
  const transfers = createTransfers();
  const question = signal<TakenQuestion | undefined>(undefined);
  let leaving = new AbortController();

  /** Does something in a session that may turn out to be over. */
  const inSession = async <T>(work: (session: Session) => Promise<T>): Promise<T> => {
    const session = await current.ensure(leaving.signal);
    try {
      return await work(session);
    } catch (error) {
      if (isOver(error) && current.id.value === session.id) current.markEnded(refusalWords(error));
      throw error;
    }
  };

  const tree = createFileTree((path, signal) =>
    inSession((session) => session.files.list(path, { signal })),
  );

  const namesIn = async (directory: string): Promise<ReadonlySet<string>> => {
    const { signal } = leaving;
    try {
      const { entries } = await inSession((session) => session.files.list(directory, { signal }));
      return new Set(entries.map(({ path }) => baseName(path)));
    } catch (error) {
      if (error instanceof HotcellError && error.code === "file_not_found") return new Set();
      throw error;
    }
  };

  const ask = (names: readonly string[]): Promise<TakenChoice | undefined> => {
    question.value?.choose(undefined);
    return new Promise((resolve) => {
      const asked: TakenQuestion = {
        names,
        choose(choice) {
          if (question.value === asked) question.value = undefined;
          resolve(choice);
        },
      };
      question.value = asked;
    });
  };

  const put = (file: File, path: string) =>
    transfers.start(
      { direction: "upload", name: baseName(path), total: file.size },
      async (signal, progress) =>
        inSession(async ({ id }) => {
          const uploading = await gateway.clientOver(uploadFetch(progress)).attach(id, { signal });
          await uploading.files.put(path, file, { signal });
        }),
    );

  const leave = () => {
    leaving.abort(new DOMException("The page went over to another session", "AbortError"));
    leaving = new AbortController();
    question.value?.choose(undefined);
    transfers.cancelAll();
    tree.reset();
  };

  let shownId = current.id.value;
  effect(() => {
    if (current.id.value === shownId) return;
    shownId = current.id.value;
    untracked(leave);
  });

  return {
    tree,
    transfers,
    question,
    async upload(files, directory) {
      const before = leaving;
      const taken = await namesIn(directory);
      const names = files.map((file) => file.name);
      const clashing = names.filter((name) => taken.has(name));
      const choice = clashing.length === 0 ? "replace" : await ask(clashing);
      if (choice === undefined || leaving !== before) return;
      const targets = planUploads(names, taken, choice);
      const arrived = await Promise.all(
        files.map(async (file, index) => {
          const name = targets[index];
          return name !== undefined && put(file, pathIn(directory, name));
        }),
      );
      if (leaving !== before) return;
      const count = arrived.filter(Boolean).length;
      if (count > 0) announce(`${counted(count)} uploaded`);
      if (directory !== "") tree.open(directory);
      await tree.refresh();
    },
    async download({ path, size }) {
      const name = baseName(path);
      const hasArrived = await transfers.start(
        { direction: "download", name, total: size },
        async (signal, progress) => {
          const blob = await inSession(async (session) =>
            readWhole(await session.files.get(path, { signal }), progress),
          );
          saveBlob(blob, name);
        },
      );
      if (hasArrived) announce(`${name} downloaded`);
    },
    async remove({ path }) {
      await inSession((session) => session.files.delete(path));
      announce(`${baseName(path)} deleted`);
      await tree.refresh();
    },
    start: (path, limit, signal) =>
      inSession(async (session) => readStart(await session.files.get(path, { signal }), limit)),
  };
}

const made = new WeakMap<Playground, PageFiles>();

/** The files of a page; what is under way goes on while no pane shows it. */
export function pageFiles(playground: Playground): PageFiles {
  const files = made.get(playground) ?? createPageFiles(playground);
  made.set(playground, files);
  return files;
}
