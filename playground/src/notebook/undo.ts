import { computed, type ReadonlySignal, signal } from "@preact/signals";

/** A cell that was deleted, and where it stood. */
export interface Deletion<Cell> {
  cell: Cell;
  index: number;
}

/** What deletions can be taken back, the latest first. */
export interface CellUndo<Cell> {
  readonly canUndo: ReadonlySignal<boolean>;
  push: (deletion: Deletion<Cell>) => void;
  pop: () => Deletion<Cell> | undefined;
  clear: () => void;
}

/** Keeps up to `depth` deletions. */
export function cellUndo<Cell>(depth = 50): CellUndo<Cell> {
  const deletions = signal<readonly Deletion<Cell>[]>([]);
  return {
    canUndo: computed(() => deletions.value.length > 0),
    push(deletion) {
      deletions.value = [...deletions.value, deletion].slice(-depth);
    },
    pop() {
      const last = deletions.value.at(-1);
      deletions.value = deletions.value.slice(0, -1);
      return last;
    },
    clear() {
      deletions.value = [];
    },
  };
}
