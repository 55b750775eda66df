/** What a key does to the notebook. */
export type Command =
  | "run-and-advance"
  | "run"
  | "run-and-insert"
  | "edit"
  | "command"
  | "select-next"
  | "select-previous"
  | "select-first"
  | "select-last"
  | "insert-above"
  | "insert-below"
  | "delete"
  | "undo"
  | "cut"
  | "copy"
  | "paste"
  | "move-up"
  | "move-down"
  | "to-markdown"
  | "to-code"
  | "to-raw"
  | "interrupt"
  | "restart"
  | "save"
  | "show-shortcuts";

export interface Shortcut {
  command: Command;
  /** Alternatives, each one key or two in a row: `["D D"]`, `["Ctrl+Enter"]`. */
  keys: readonly string[];
  description: string;
}

/** Keys that work while typing as well. */
export const ANY_MODE_SHORTCUTS: readonly Shortcut[] = [
  {
    command: "run-and-advance",
    keys: ["Shift+Enter"],
    description: "Run the cell and go to the next",
  },
  { command: "run", keys: ["Ctrl+Enter"], description: "Run the cell and stay" },
  {
    command: "run-and-insert",
    keys: ["Alt+Enter"],
    description: "Run the cell and insert one below",
  },
  { command: "save", keys: ["Ctrl+S"], description: "Download the notebook" },
];

/** Keys of command mode: Jupyter's own. */
export const COMMAND_SHORTCUTS: readonly Shortcut[] = [
  { command: "edit", keys: ["Enter"], description: "Edit the cell" },
  { command: "select-previous", keys: ["K", "ArrowUp"], description: "Select the cell above" },
  { command: "select-next", keys: ["J", "ArrowDown"], description: "Select the cell below" },
  { command: "select-first", keys: ["Home"], description: "Select the first cell" },
  { command: "select-last", keys: ["End"], description: "Select the last cell" },
  { command: "insert-above", keys: ["A"], description: "Insert a cell above" },
  { command: "insert-below", keys: ["B"], description: "Insert a cell below" },
  { command: "delete", keys: ["D D"], description: "Delete the cell" },
  { command: "undo", keys: ["Z"], description: "Bring back the deleted cell" },
  { command: "cut", keys: ["X"], description: "Cut the cell" },
  { command: "copy", keys: ["C"], description: "Copy the cell" },
  { command: "paste", keys: ["V"], description: "Paste below" },
  { command: "move-up", keys: ["Ctrl+Shift+ArrowUp"], description: "Move the cell up" },
  { command: "move-down", keys: ["Ctrl+Shift+ArrowDown"], description: "Move the cell down" },
  { command: "to-markdown", keys: ["M"], description: "Make it a Markdown cell" },
  { command: "to-code", keys: ["Y"], description: "Make it a code cell" },
  { command: "to-raw", keys: ["R"], description: "Make it a raw cell" },
  { command: "interrupt", keys: ["I I"], description: "Interrupt what runs" },
  { command: "restart", keys: ["0 0"], description: "Restart the interpreter" },
  { command: "show-shortcuts", keys: ["?", "H"], description: "Show these keys" },
];

/** Keys of the editor, which it handles itself. */
export const EDITOR_SHORTCUTS: readonly (Omit<Shortcut, "command"> & { command?: never })[] = [
  { keys: ["Escape"], description: "Leave the editor: command mode" },
  { keys: ["Tab"], description: "Complete the name, or indent" },
  { keys: ["Shift+Tab"], description: "Show the documentation of the name, or dedent" },
  { keys: ["Ctrl+/"], description: "Comment the lines, or uncomment them" },
  { keys: ["Ctrl+Z"], description: "Undo" },
  { keys: ["Ctrl+Shift+Z"], description: "Redo" },
];

/** What of a keyboard event says which key it is. */
export interface KeyPress {
  key: string;
  shiftKey: boolean;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
}

/** The name of a key press as shortcuts have it; Command counts as Ctrl. */
export function keyName(press: KeyPress): string {
  const isLetter = /^[a-z]$/i.test(press.key);
  const isPrintable = press.key.length === 1;
  const parts = [
    press.ctrlKey || press.metaKey ? "Ctrl" : undefined,
    press.altKey ? "Alt" : undefined,
    // The shift that makes "?" of "/" is part of that key.
    press.shiftKey && (!isPrintable || isLetter) ? "Shift" : undefined,
    isLetter ? press.key.toUpperCase() : press.key === "Esc" ? "Escape" : press.key,
  ];
  return parts.filter((part) => part !== undefined).join("+");
}

/** How long the second key of a pair may take, in milliseconds. */
const PAIR_WITHIN_MS = 1000;

/** Finds the command of key presses, of which some are pairs. `now` is in milliseconds. */
export function commandReader(
  shortcuts: readonly Shortcut[],
): (press: KeyPress, now: number) => Command | "first-of-pair" | undefined {
  const single = new Map<string, Command>();
  const pairs = new Map<string, Command>();
  for (const { command, keys } of shortcuts)
    for (const key of keys) (key.includes(" ") ? pairs : single).set(key, command);
  let first: { key: string; at: number } | undefined;

  return (press, now) => {
    const key = keyName(press);
    const before = first !== undefined && now - first.at <= PAIR_WITHIN_MS ? first.key : undefined;
    first = undefined;
    const pair = before === undefined ? undefined : pairs.get(`${before} ${key}`);
    if (pair !== undefined) return pair;
    const command = single.get(key);
    if (command !== undefined) return command;
    if ([...pairs.keys()].some((name) => name.startsWith(`${key} `))) {
      first = { key, at: now };
      return "first-of-pair";
    }
    return undefined;
  };
}
