import type { ExecutionEvent } from "../kernels/event.js";
import { Gathering } from "../kernels/gathering.js";
import type { Output } from "../kernels/output.js";
import { recordEvent } from "../kernels/record-event.js";
import type { GapRecord, JournalRecord } from "../sandboxes/journal-record.js";
import { RawJson } from "../sandboxes/raw-json.js";

/** More than a journal keeps: an endless one is a sandbox gone wrong. */
const MOST_CHARACTERS = 96 * 1024 * 1024;

/**
 * What several executions have said, folded as a notebook folds it: late output goes to the cell that caused it, and an
 * update of a display to every cell that shows it.
 */
export class NotebookOutputs {
  readonly gaps: GapRecord[] = [];
  readonly #gatherings: Map<string, Gathering>;
  readonly #displays = new Map<string, Set<Gathering>>();

  #characters = 0;

  constructor(
    private readonly sessionId: string,
    executions: Iterable<string>,
  ) {
    this.#gatherings = new Map(Array.from(executions, (id) => [id, new Gathering()]));
  }

  /** Whether it would be too much to go on. */
  get full(): boolean {
    return this.#characters > MOST_CHARACTERS;
  }

  add(record: JournalRecord): void {
    if (record.kind === "gap") this.gaps.push(record);
    if (record.kind !== "message" || record.run === null) return;
    const gathering = this.#gatherings.get(record.run);
    const event = recordEvent(record, { id: record.run, sessionId: this.sessionId });
    if (event !== undefined) this.#fold(event, gathering);
  }

  of(execution: string): Output[] {
    return this.#gatherings.get(execution)?.result().outputs ?? [];
  }

  #fold(event: ExecutionEvent, gathering: Gathering | undefined): void {
    this.#characters += sizeOf(event);
    const display = "display_id" in event ? event.display_id : undefined;
    if (event.type === "update_display_data") {
      const shown = display === undefined ? undefined : this.#displays.get(display);
      for (const shows of shown ?? []) shows.add(event);
      return;
    }
    if (gathering === undefined) return;
    gathering.add(event);
    if (display === undefined) return;
    const showing = this.#displays.get(display);
    if (showing) showing.add(gathering);
    else this.#displays.set(display, new Set([gathering]));
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
