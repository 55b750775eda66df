import type { EventOf, ExecutionEvent, FinishedEvent } from "./event.js";
import type { Output, RichOutput, StreamOutput } from "./output.js";

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

/** Sizes of what is held for one execution, in characters. */
const DEFAULT_CAPACITY = 64 * 1024 * 1024;

type RichEvent = EventOf<"execute_result" | "display_data" | "update_display_data">;

function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value === "object" && value !== null) {
    if ("text" in value && typeof value.text === "string") return value.text.length;
    return JSON.stringify(value).length;
  }
  return 8;
}

function bundleSize(data: Record<string, unknown>): number {
  let size = 64;
  for (const value of Object.values(data)) size += sizeOf(value);
  return size;
}

/**
 * Folds an execution's events into outputs, with display updates and clears applied (Jupyter messaging protocol 5.4,
 * "Display data", "Update Display Data", "Clear output").
 */
export class Gathering {
  readonly #outputs: Output[] = [];
  readonly #chunks = new Map<StreamOutput, string[]>();
  readonly #displays = new Map<string, RichOutput[]>();
  readonly #updates: Gathered["updates"] = [];
  readonly #capacity: number;
  #size = 0;
  #dropped = 0;
  #clearBeforeNext = false;
  #started: EventOf<"execution_started"> | undefined;
  #finished: FinishedEvent | undefined;

  constructor(options: { capacity?: number } = {}) {
    this.#capacity = options.capacity ?? DEFAULT_CAPACITY;
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
        this.#push({
          output_type: "error",
          ename: event.ename,
          evalue: event.evalue,
          traceback: event.traceback,
        });
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
    for (const [output, chunks] of this.#chunks) {
      output.text = chunks.join("");
      this.#chunks.set(output, [output.text]);
    }
    return {
      outputs: this.#outputs,
      updates: this.#updates,
      dropped_outputs: this.#dropped,
      started: this.#started,
      finished: this.#finished,
    };
  }

  #clear(): void {
    this.#outputs.length = 0;
    this.#chunks.clear();
    this.#displays.clear();
    this.#size = 0;
    this.#clearBeforeNext = false;
  }

  #fits(size: number): boolean {
    if (this.#clearBeforeNext) this.#clear();
    if (this.#size + size > this.#capacity) {
      this.#dropped += 1;
      return false;
    }
    this.#size += size;
    return true;
  }

  #push(output: Output): void {
    const size =
      output.output_type === "error"
        ? sizeOf(output)
        : bundleSize("data" in output ? output.data : {});
    if (this.#fits(size)) this.#outputs.push(output);
  }

  #stream(name: StreamOutput["name"], text: string): void {
    if (!this.#fits(text.length)) return;
    const last = this.#outputs.at(-1);
    if (last?.output_type === "stream" && last.name === name) {
      this.#chunks.get(last)?.push(text);
      return;
    }
    const output: StreamOutput = { output_type: "stream", name, text: "" };
    this.#outputs.push(output);
    this.#chunks.set(output, [text]);
  }

  #display(event: EventOf<"display_data" | "execute_result">): void {
    if (!this.#fits(bundleSize(event.data))) return;
    const output: RichOutput =
      event.type === "display_data"
        ? { output_type: "display_data", data: event.data, metadata: event.metadata }
        : {
            output_type: "execute_result",
            data: event.data,
            metadata: event.metadata,
            execution_count: event.execution_count ?? null,
          };
    this.#outputs.push(output);
    if (event.display_id !== undefined) {
      const same = this.#displays.get(event.display_id);
      if (same) same.push(output);
      else this.#displays.set(event.display_id, [output]);
    }
  }

  #update(event: RichEvent): void {
    const id = event.display_id;
    if (id === undefined) return;
    const displays = this.#displays.get(id);
    if (displays) {
      for (const output of displays) {
        output.data = event.data;
        output.metadata = event.metadata;
      }
      return;
    }
    const known = this.#updates.find((update) => update.display_id === id);
    if (known) {
      known.data = event.data;
      known.metadata = event.metadata;
    } else if (this.#fits(bundleSize(event.data))) {
      this.#updates.push({ display_id: id, data: event.data, metadata: event.metadata });
    }
  }
}
