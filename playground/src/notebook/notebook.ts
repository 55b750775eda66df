import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Cell, cellFrom, documentOf, isActive } from "./cell.js";
import {
  type CellKind,
  makeCellId,
  newCell,
  newNotebook,
  type NotebookDocument,
} from "./notebook-document.js";
import { type CellUndo, cellUndo } from "./undo.js";

/** Command mode: keys act on cells. Edit mode: keys type into one. */
export type Mode = "command" | "edit";

/** A wish that the keyboard's focus goes to the selected cell; each is an object of its own. */
export interface FocusWish {
  cellId: string;
  mode: Mode;
}

/** The notebook on the page: its cells in order, which one is selected, and what can be done with them. */
export interface Notebook {
  /** Its file's name. */
  readonly name: Signal<string>;
  readonly cells: ReadonlySignal<readonly Cell[]>;
  readonly selectedId: ReadonlySignal<string>;
  readonly selected: ReadonlySignal<Cell>;
  readonly mode: Signal<Mode>;
  readonly focusWish: Signal<FocusWish | undefined>;
  readonly canUndo: ReadonlySignal<boolean>;
  readonly canPaste: ReadonlySignal<boolean>;
  /** Replaces everything by the document, of a file of that name. */
  open: (document: NotebookDocument, name?: string) => void;
  /** As plain data; reads every signal. */
  document: () => NotebookDocument;
  find: (id: string) => Cell | undefined;
  indexOf: (id: string) => number;
  /** Selects a cell; the focus follows where the selection came by keys. */
  select: (id: string, mode?: Mode, focus?: boolean) => void;
  selectOffset: (offset: number) => void;
  insert: (where: "above" | "below", kind?: CellKind, mode?: Mode) => Cell;
  append: (kind: CellKind) => Cell;
  remove: () => void;
  undo: () => void;
  move: (offset: 1 | -1) => void;
  cut: () => void;
  copy: () => void;
  paste: () => void;
  setKind: (kind: CellKind) => void;
}

const DEFAULT_NAME = "notebook.ipynb";

/** A notebook that always has at least one cell, and one of them selected. */
export function createNotebook(document: NotebookDocument = newNotebook()): Notebook {
  let metadata = document.metadata;
  let rest = document.rest;
  const initial = document.cells.map(cellFrom);
  const first = initial[0] ?? cellFrom(newCell("code"));
  const cells = signal<readonly Cell[]>(initial.length > 0 ? initial : [first]);
  const name = signal(DEFAULT_NAME);
  const selectedId = signal(first.id);
  const mode = signal<Mode>("command");
  const focusWish = signal<FocusWish | undefined>(undefined);
  const clipboard = signal<ReturnType<typeof documentOf> | undefined>(undefined);
  const undo: CellUndo<Cell> = cellUndo();

  const indexOf = (id: string) => cells.value.findIndex((cell) => cell.id === id);
  const selected = computed(
    () => cells.value.find((cell) => cell.id === selectedId.value) ?? (cells.value[0] as Cell),
  );

  const select: Notebook["select"] = (id, to = "command", focus = false) =>
    batch(() => {
      selectedId.value = id;
      mode.value = to;
      if (focus) focusWish.value = { cellId: id, mode: to };
    });

  const place = (cell: Cell, index: number, to: Mode = "command") =>
    batch(() => {
      cells.value = cells.value.toSpliced(index, 0, cell);
      select(cell.id, to, true);
    });

  const remove = () => {
    const cell = selected.value;
    if (isActive(cell)) return;
    const index = indexOf(cell.id);
    undo.push({ cell, index });
    batch(() => {
      const left = cells.value.toSpliced(index, 1);
      cells.value = left.length > 0 ? left : [cellFrom(newCell("code"))];
      const next = cells.value[Math.min(index, cells.value.length - 1)] as Cell;
      select(next.id, "command", true);
    });
  };

  const copy = () => {
    clipboard.value = documentOf(selected.value);
  };

  return {
    name,
    cells,
    selectedId,
    selected,
    mode,
    focusWish,
    canUndo: undo.canUndo,
    canPaste: computed(() => clipboard.value !== undefined),
    open(next, file = DEFAULT_NAME) {
      batch(() => {
        name.value = file;
        metadata = next.metadata;
        rest = next.rest;
        const opened = next.cells.map(cellFrom);
        cells.value = opened.length > 0 ? opened : [cellFrom(newCell("code"))];
        undo.clear();
        select((cells.value[0] as Cell).id);
      });
    },
    document: () => ({ cells: cells.value.map(documentOf), metadata, rest }),
    find: (id) => cells.value.find((cell) => cell.id === id),
    indexOf,
    select,
    selectOffset(offset) {
      const target = cells.value[indexOf(selectedId.value) + offset];
      if (target) select(target.id, "command", true);
    },
    insert(where, kind = "code", to = "command") {
      const cell = cellFrom(newCell(kind));
      place(cell, indexOf(selectedId.value) + (where === "below" ? 1 : 0), to);
      return cell;
    },
    append(kind) {
      const cell = cellFrom(newCell(kind));
      place(cell, cells.value.length, "edit");
      return cell;
    },
    remove,
    undo() {
      const deleted = undo.pop();
      if (deleted) place(deleted.cell, Math.min(deleted.index, cells.value.length));
    },
    move(offset) {
      const cell = selected.value;
      const from = indexOf(cell.id);
      const to = from + offset;
      if (to < 0 || to >= cells.value.length) return;
      batch(() => {
        cells.value = cells.value.toSpliced(from, 1).toSpliced(to, 0, cell);
        select(cell.id, "command", true);
      });
    },
    cut() {
      copy();
      remove();
    },
    copy,
    paste() {
      const document = clipboard.value;
      if (document)
        place(cellFrom({ ...document, id: makeCellId() }), indexOf(selectedId.value) + 1);
    },
    setKind(kind) {
      const cell = selected.value;
      if (isActive(cell)) return;
      batch(() => {
        cell.kind.value = kind;
        cell.isRendered.value = false;
        select(cell.id, "command", true);
      });
    },
  };
}
