import { RawJson } from "../sandboxes/raw-json.js";
import type { ExecutionEvent } from "./event.js";
import { Gathering } from "./gathering.js";
import type { Output } from "./output.js";

/**
 * What several executions have said, folded as a notebook folds it: each output goes to the cell that caused it, and an
 * update of a display to every cell that shows it.
 */
export class NotebookFolding {
  readonly #gatherings = new Map<string, Gathering>();
  readonly #displays = new Map<string, Set<Gathering>>();
  #characters = 0;

  /** About how much was taken in, whether it is still shown or not. */
  get characters(): number {
    return this.#characters;
  }

  /** Has a cell for the execution; what others say is left out, but for what it changes in these. */
  begin(execution: string): void {
    this.#gatherings.set(execution, new Gathering());
  }

  add(event: ExecutionEvent): void {
    const gathering = this.#gatherings.get(event.execution_id);
    const display = "display_id" in event ? event.display_id : undefined;
    if (event.type === "update_display_data") {
      const shown = display === undefined ? undefined : this.#displays.get(display);
      if (shown !== undefined) this.#characters += sizeOf(event);
      for (const shows of shown ?? []) shows.add(event);
      return;
    }
    if (gathering === undefined) return;
    this.#characters += sizeOf(event);
    gathering.add(event);
    if (display === undefined) return;
    const showing = this.#displays.get(display);
    if (showing) showing.add(gathering);
    else this.#displays.set(display, new Set([gathering]));
  }

  outputs(execution: string): Output[] {
    return this.#gatherings.get(execution)?.result().outputs ?? [];
  }
}

function sizeOf(event: ExecutionEvent): number {
  if (event.type === "stream") return event.text.length;
  if (event.type === "error") return JSON.stringify(event).length;
  if (!("data" in event)) return 0;
  return Object.values(event.data).reduce<number>((sum, value) => {
    if (typeof value === "string") return sum + value.length;
    return sum + (value instanceof RawJson ? value.text : JSON.stringify(value)).length;
  }, 0);
}
