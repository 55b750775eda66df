import { useEffect } from "preact/hooks";
import { openDialog } from "../layout/open-dialog.js";
import type { Commands } from "./commands.js";
import type { Notebook } from "./notebook.js";
import { ANY_MODE_SHORTCUTS, COMMAND_SHORTCUTS, commandReader } from "./shortcuts.js";

/** What has keys of its own: Enter on a button presses it. */
const INTERACTIVE =
  "a[href], button, input, select, textarea, summary, iframe, dialog, [contenteditable], [role=menu], [data-own-keys]";

function hasOwnKeys(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0];
  return target instanceof Element && target.closest(INTERACTIVE) !== null;
}

/** Command mode's keys, wherever on the page the focus is, except where keys mean something else. */
export function useShortcuts(notebook: Notebook, commands: Commands): void {
  useEffect(() => {
    const read = commandReader([...ANY_MODE_SHORTCUTS, ...COMMAND_SHORTCUTS]);
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || openDialog.value !== undefined) return;
      if (hasOwnKeys(event)) return;
      const command = read(event, event.timeStamp);
      if (command === undefined) return;
      event.preventDefault();
      if (command !== "first-of-pair") commands.perform(command);
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [notebook, commands]);
}
