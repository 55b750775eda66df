import type { CharacterBudget } from "./character-budget.js";
import type { EventOf, ExecutionEvent, FinishedEvent } from "./event.js";
import type { Output, RichOutput, StreamOutput } from "./output.js";
import { TextChunks } from "./text-chunks.js";

/** What one execution has said so far, folded the way a notebook's output area folds it. */
export interface Gathered {
  outputs: Output[];
  /** Updates of displays that this execution did not make itself: an earlier one did. */
  updates: {
    display_id: string;
    data: Record<string, unknown>;
    metadata: Record<string, unknown>;
  }[];
  /** How many outputs were left out because all together would have been too large. */
  dropped_outputs: number;
  started: EventOf<"execution_started"> | undefined;
  finished: FinishedEvent | undefined;
}

/** What is held for one execution at most, in characters. */
const DEFAULT_CAPACITY = 64 * 1024 * 1024;

/** What one execution may always hold, whatever others do: the text that executions have by default, and some more. */
const OWN_CAPACITY = 2 * 1024 * 1024;

/** What an output costs besides its values. */
const OUTPUT_SIZE = 128;

type RichEvent = EventOf<"execute_result" | "display_data" | "update_display_data">;
type Update = Gathered["updates"][number];

/** The outputs that show one display. */
interface Display {
  shown: RichOutput[];
  size: number;
}

function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value === "object" && value !== null) {
    if ("text" in value && typeof value.text === "string") return value.text.length;
    return JSON.stringify(value).length;
  }
  return 8;
}

function bundleSize({ data, metadata }: Pick<RichOutput, "data" | "metadata">): number {
  let size = OUTPUT_SIZE + sizeOf(metadata);
  for (const [type, value] of Object.entries(data)) size += type.length + sizeOf(value);
  return size;
}

export interface GatheringOptions {
  /** Most characters that are held. */
  capacity?: number | undefined;
  /** What several gatherings share: past its own first part, each takes from it what it holds. */
  budget?: CharacterBudget | undefined;
}

/**
 * Folds an execution's events into outputs, with display updates and clears applied (Jupyter messaging protocol 5.4,
 * "Display data", "Update Display Data", "Clear output"). What would be too much is left out, and counted.
 */
export class Gathering {
  readonly #outputs: Output[] = [];
  readonly #texts = new Map<StreamOutput, TextChunks>();
  readonly #displays = new Map<string, Display>();
  readonly #updates = new Map<string, { update: Update; size: number }>();
  readonly #capacity: number;
  readonly #budget: CharacterBudget | undefined;
  #size = 0;
  /** How much of it was taken from the budget. */
  #taken = 0;
  #updatesSize = 0;
  #dropped = 0;
  #clearBeforeNext = false;
  #started: EventOf<"execution_started"> | undefined;
  #finished: FinishedEvent | undefined;

  constructor({ capacity = DEFAULT_CAPACITY, budget }: GatheringOptions = {}) {
    this.#capacity = capacity;
    this.#budget = budget;
  }

  add(event: ExecutionEvent): void {
    switch (event.type) {
      case "execution_started":
        this.#started = event;
        break;
      case "stream":
        this.#stream(event.name, event.text);
        break;
      case "output_truncated":
        this.#stream(
          event.name,
          `\n[… ${event.dropped_bytes} bytes of ${event.name} left out …]\n`,
        );
        break;
      case "gap":
        this.#stream("stderr", `\n[… output is missing here: ${event.reason} …]\n`);
        break;
      case "display_data":
      case "execute_result":
        this.#display(event);
        break;
      case "update_display_data":
        this.#update(event);
        break;
      case "clear_output":
        if (event.wait) this.#clearBeforeNext = true;
        else this.#clear();
        break;
      case "error":
        this.#error(event);
        break;
      case "execution_finished":
        this.#finished = event;
        break;
      case "queued":
      case "deadline":
      case "input_request":
      case "comm_open":
      case "comm_msg":
      case "comm_close":
        break;
    }
  }

  result(): Gathered {
    for (const [output, chunks] of this.#texts) output.text = chunks.text();
    return {
      outputs: this.#outputs,
      updates: Array.from(this.#updates.values(), ({ update }) => update),
      dropped_outputs: this.#dropped,
      started: this.#started,
      finished: this.#finished,
    };
  }

  /** Gives back what it took from the budget: nothing holds what was gathered any more. Idempotent. */
  close(): void {
    this.#budget?.give(this.#taken);
    this.#taken = 0;
  }

  #clear(): void {
    this.#outputs.length = 0;
    this.#texts.clear();
    this.#displays.clear();
    this.#resize(this.#updatesSize);
    this.#clearBeforeNext = false;
  }

  /** Comes to hold so much, if it may. */
  #resize(size: number): boolean {
    if (size > this.#size && size > this.#capacity) return false;
    const wanted = Math.max(0, size - OWN_CAPACITY) - this.#taken;
    if (this.#budget !== undefined) {
      if (wanted > 0 && !this.#budget.take(wanted)) return false;
      if (wanted < 0) this.#budget.give(-wanted);
      this.#taken += wanted;
    }
    this.#size = size;
    return true;
  }

  /** Whether so much more may be held; counts what may not. */
  #fits(size: number): boolean {
    if (this.#resize(this.#size + size)) return true;
    this.#dropped += 1;
    return false;
  }

  /** What comes next replaces what was to be cleared, if something was. */
  #begin(): void {
    if (this.#clearBeforeNext) this.#clear();
  }

  #push(output: Output, size: number): boolean {
    this.#begin();
    if (!this.#fits(size)) return false;
    this.#outputs.push(output);
    return true;
  }

  #stream(name: StreamOutput["name"], text: string): void {
    this.#begin();
    const last = this.#outputs.at(-1);
    if (last?.output_type === "stream" && last.name === name) {
      if (this.#fits(text.length)) this.#texts.get(last)?.push(text);
      return;
    }
    const output: StreamOutput = { output_type: "stream", name, text: "" };
    if (!this.#push(output, OUTPUT_SIZE + text.length)) return;
    const chunks = new TextChunks();
    chunks.push(text);
    this.#texts.set(output, chunks);
  }

  #error({ ename, evalue, traceback }: EventOf<"error">): void {
    const size = OUTPUT_SIZE + ename.length + evalue.length + sizeOf(traceback);
    this.#push({ output_type: "error", ename, evalue, traceback }, size);
  }

  #display(event: EventOf<"display_data" | "execute_result">): void {
    const { data, metadata, display_id } = event;
    const output: RichOutput =
      event.type === "display_data"
        ? { output_type: "display_data", data, metadata }
        : {
            output_type: "execute_result",
            data,
            metadata,
            execution_count: event.execution_count ?? null,
          };
    const size = bundleSize(event);
    if (!this.#push(output, size) || display_id === undefined) return;
    const same = this.#displays.get(display_id);
    if (same) {
      same.shown.push(output);
      same.size += size;
    } else {
      this.#displays.set(display_id, { shown: [output], size });
    }
  }

  #update(event: RichEvent): void {
    const { display_id: id, data, metadata } = event;
    if (id === undefined) return;
    const size = bundleSize(event);
    const display = this.#displays.get(id);
    if (display) {
      if (!this.#fits(size * display.shown.length - display.size)) return;
      display.size = size * display.shown.length;
      for (const output of display.shown) Object.assign(output, { data, metadata });
      return;
    }
    const before = this.#updates.get(id)?.size ?? 0;
    if (!this.#fits(size - before)) return;
    this.#updatesSize += size - before;
    this.#updates.set(id, { update: { display_id: id, data, metadata }, size });
  }
}
