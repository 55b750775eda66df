import type { ExecutionEvent } from "../../../src/kernels/event.js";
import { Gathering } from "../../../src/kernels/gathering.js";
import type { Output } from "../../../src/kernels/output.js";
import type { CellOutput } from "../outputs/cell-output.js";
import { nextOutputKey } from "./output-key.js";

export type RichEvent = Extract<ExecutionEvent, { type: "update_display_data" }>;

/** An execution's events, folded into outputs that keep their keys, and their identity while they do not change. */
export interface OutputFolding {
  add: (event: ExecutionEvent) => void;
  /** The outputs so far. */
  outputs: () => readonly CellOutput[];
  /** Whether a display of that id is among them. */
  shows: (displayId: string) => boolean;
}

interface Shown {
  snapshot: CellOutput;
  /** Of a stream, its length; of a display, its bundle. */
  mark: unknown;
}

function markOf(output: Output): unknown {
  switch (output.output_type) {
    case "stream":
      return output.text.length;
    case "display_data":
    case "execute_result":
      return output.data;
    case "error":
      return output;
  }
}

/** Folds by the rules of the gateway's own gathered answer, so that page and API show the same. */
export function outputFolding(): OutputFolding {
  const gathering = new Gathering();
  const shown = new WeakMap<Output, Shown>();
  const displays = new Set<string>();

  const snapshotOf = (output: Output): CellOutput => {
    const mark = markOf(output);
    const known = shown.get(output);
    if (known !== undefined && known.mark === mark) return known.snapshot;
    const snapshot = { ...output, key: known?.snapshot.key ?? nextOutputKey() };
    shown.set(output, { snapshot, mark });
    return snapshot;
  };

  return {
    add(event) {
      gathering.add(event);
      if (
        (event.type === "display_data" || event.type === "execute_result") &&
        event.display_id !== undefined
      )
        displays.add(event.display_id);
    },
    outputs: () => gathering.result().outputs.map(snapshotOf),
    shows: (displayId) => displays.has(displayId),
  };
}
