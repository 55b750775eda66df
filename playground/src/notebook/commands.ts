import { announce } from "../layout/announcer.jsx";
import { notice, noticeError } from "../layout/notice.js";
import { openDialog } from "../layout/open-dialog.js";
import type { Playground } from "../playground.js";
import { type Cell, isActive } from "./cell.js";
import { downloadNotebook, openNotebookFile } from "./notebook-file.js";
import type { Command } from "./shortcuts.js";

/** What keys and buttons do. */
export interface Commands {
  perform: (command: Command) => void;
  runCell: (cell: Cell) => void;
  runAll: () => void;
  /** Opens a notebook's file in place of what is open, which can be brought back. */
  open: (file: File) => Promise<void>;
}

/** The commands of a page's notebook. */
export function notebookCommands({ notebook, runner, replaceNotebook }: Playground): Commands {
  const position = () =>
    `Cell ${notebook.indexOf(notebook.selectedId.value) + 1} of ${notebook.cells.value.length}`;

  const runCell = (cell: Cell) => {
    if (cell.kind.value === "markdown") cell.isRendered.value = true;
    else runner.run([cell]);
  };

  const deleteCell = () => {
    if (isActive(notebook.selected.value)) {
      notice.value = {
        tone: "info",
        words: "A cell that runs cannot be deleted: interrupt it first.",
      };
      return false;
    }
    return true;
  };

  const tellDeleted = () => {
    notice.value = {
      tone: "info",
      words: "Cell deleted.",
      action: { label: "Undo", act: () => perform("undo") },
    };
  };

  const actions: Record<Command, () => void> = {
    run: () => {
      runCell(notebook.selected.value);
      notebook.select(notebook.selectedId.value, "command", true);
    },
    "run-and-advance": () => {
      const cell = notebook.selected.value;
      runCell(cell);
      if (notebook.cells.value.at(-1) === cell) notebook.insert("below", "code", "edit");
      else notebook.selectOffset(1);
    },
    "run-and-insert": () => {
      runCell(notebook.selected.value);
      notebook.insert("below", "code", "edit");
    },
    edit: () => {
      notebook.selected.value.isRendered.value = false;
      notebook.select(notebook.selectedId.value, "edit", true);
    },
    command: () => notebook.select(notebook.selectedId.value, "command", true),
    "select-next": () => notebook.selectOffset(1),
    "select-previous": () => notebook.selectOffset(-1),
    "select-first": () => notebook.selectOffset(-notebook.indexOf(notebook.selectedId.value)),
    "select-last": () =>
      notebook.selectOffset(
        notebook.cells.value.length - 1 - notebook.indexOf(notebook.selectedId.value),
      ),
    "insert-above": () => void notebook.insert("above"),
    "insert-below": () => void notebook.insert("below"),
    delete: () => {
      if (!deleteCell()) return;
      notebook.remove();
      tellDeleted();
    },
    undo: () => {
      notebook.undo();
      notice.value = undefined;
    },
    cut: () => {
      if (!deleteCell()) return;
      notebook.cut();
      announce("Cell cut");
    },
    copy: () => {
      notebook.copy();
      announce("Cell copied");
    },
    paste: () => notebook.paste(),
    "move-up": () => {
      notebook.move(-1);
      announce(position());
    },
    "move-down": () => {
      notebook.move(1);
      announce(position());
    },
    "to-markdown": () => notebook.setKind("markdown"),
    "to-code": () => notebook.setKind("code"),
    "to-raw": () => notebook.setKind("raw"),
    interrupt: () => {
      runner.interrupt().then(() => announce("Interrupted"), noticeError);
    },
    restart: () => {
      openDialog.value = "restart";
    },
    save: () => downloadNotebook(notebook.document(), notebook.name.value),
    "show-shortcuts": () => {
      openDialog.value = "shortcuts";
    },
  };

  const perform = (command: Command) => actions[command]();

  return {
    perform,
    runCell,
    runAll() {
      for (const cell of notebook.cells.value)
        if (cell.kind.value === "markdown") cell.isRendered.value = cell.source.value.trim() !== "";
      runner.run(notebook.cells.value);
    },
    async open(file) {
      const before = { document: notebook.document(), name: notebook.name.value };
      try {
        replaceNotebook(await openNotebookFile(file), file.name);
        notice.value = {
          tone: "info",
          words: `${file.name} is open.`,
          action: {
            label: "Bring back the one before",
            act() {
              replaceNotebook(before.document, before.name);
              notice.value = undefined;
            },
          },
        };
      } catch (error) {
        noticeError(error);
      }
    },
  };
}
