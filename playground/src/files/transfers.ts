import { type ReadonlySignal, signal } from "@preact/signals";
import { fileErrorWords } from "./file-error.js";

/** A file on its way; those that arrived are gone from the list. */
export interface Transfer {
  readonly id: number;
  readonly direction: "upload" | "download";
  readonly name: string;
  /** In bytes; undefined where it is not known. */
  readonly total: number | undefined;
  readonly done: number;
  readonly phase: "waiting" | "moving" | "failed";
  /** Why it failed, as the second half of a sentence. */
  readonly failure?: string;
}

export type TransferWork = (
  signal: AbortSignal,
  progress: (done: number, total?: number) => void,
) => Promise<void>;

export interface Transfers {
  readonly list: ReadonlySignal<readonly Transfer[]>;
  /** Does the work after what was asked for before in the same direction. Resolves with whether it arrived. */
  start: (
    file: Pick<Transfer, "direction" | "name" | "total">,
    work: TransferWork,
  ) => Promise<boolean>;
  /** Ends a transfer, or takes one that failed from the list. */
  dismiss: (id: number) => void;
  cancelAll: () => void;
}

export function createTransfers(): Transfers {
  const list = signal<readonly Transfer[]>([]);
  const aborting = new Map<number, AbortController>();
  const last: Record<Transfer["direction"], Promise<unknown>> = {
    upload: Promise.resolve(),
    download: Promise.resolve(),
  };
  let lastId = 0;

  const change = (id: number, to: Partial<Transfer>) => {
    list.value = list.value.map((transfer) =>
      transfer.id === id ? { ...transfer, ...to } : transfer,
    );
  };

  const remove = (id: number) => {
    list.value = list.value.filter((transfer) => transfer.id !== id);
  };

  const run = async (id: number, signal: AbortSignal, work: TransferWork): Promise<boolean> => {
    try {
      signal.throwIfAborted();
      change(id, { phase: "moving" });
      await work(signal, (done, total) =>
        change(id, total === undefined ? { done } : { done, total }),
      );
      remove(id);
      return true;
    } catch (error) {
      if (signal.aborted) remove(id);
      else change(id, { phase: "failed", failure: fileErrorWords(error) });
      return false;
    } finally {
      aborting.delete(id);
    }
  };

  const dismiss = (id: number) => {
    aborting.get(id)?.abort(new DOMException("The transfer was cancelled", "AbortError"));
    remove(id);
  };

  return {
    list,
    start(file, work) {
      const id = ++lastId;
      const controller = new AbortController();
      aborting.set(id, controller);
      list.value = [...list.value, { ...file, id, done: 0, phase: "waiting" }];
      const result = last[file.direction].then(() => run(id, controller.signal, work));
      last[file.direction] = result;
      return result;
    },
    dismiss,
    cancelAll() {
      for (const { id } of list.value) dismiss(id);
    },
  };
}
