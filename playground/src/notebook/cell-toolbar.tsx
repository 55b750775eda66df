import { Icon, type IconName } from "../layout/icon.jsx";
import { isActive, type Cell } from "./cell.js";
import { CELL_KINDS, type CellKind } from "./notebook-document.js";
import type { Command } from "./shortcuts.js";

const KIND_NAMES: Record<CellKind, string> = { code: "Code", markdown: "Markdown", raw: "Raw" };

interface CellToolbarProps {
  cell: Cell;
  number: number;
  isFirst: boolean;
  isLast: boolean;
  perform: (command: Command) => void;
}

/** What can be done with the selected cell. */
export function CellToolbar({ cell, number, isFirst, isLast, perform }: CellToolbarProps) {
  const button = (icon: IconName, label: string, command: Command, isDisabled = false) => (
    <button
      type="button"
      class="button button-quiet button-icon"
      aria-label={label}
      title={label}
      disabled={isDisabled}
      onClick={() => perform(command)}
    >
      <Icon name={icon} />
    </button>
  );
  return (
    <div class="cell-toolbar" role="toolbar" aria-label={`Cell ${number}`}>
      <select
        class="cell-kind"
        aria-label="Kind of cell"
        value={cell.kind.value}
        disabled={isActive(cell)}
        onChange={(event) => perform(`to-${event.currentTarget.value as CellKind}`)}
      >
        {CELL_KINDS.map((kind) => (
          <option key={kind} value={kind}>
            {KIND_NAMES[kind]}
          </option>
        ))}
      </select>
      {button("up", "Move up", "move-up", isFirst)}
      {button("down", "Move down", "move-down", isLast)}
      {button("plus", "Insert below", "insert-below")}
      {button("trash", "Delete", "delete", isActive(cell))}
    </div>
  );
}
