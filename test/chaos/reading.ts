import type { ExecutionEvent } from "../../src/kernels/event.js";
import type { Problem } from "./client.js";

/** How a reader's following of a run came to its end. */
export type ReadingEnd =
  | { kind: "finished" }
  /** It hung up for good. */
  | { kind: "left" }
  /** Neither run nor session are there any more. */
  | { kind: "gone"; status: number; problem: Problem };

/** What one reader has had of a run, over all of its connections. */
export class Reading {
  /** Numbers of the events, in the order in which they came. */
  readonly numbers: number[] = [];
  readonly gaps: (ExecutionEvent & { type: "gap" })[] = [];
  /** How often it came back. */
  resumes = 0;
  end: ReadingEnd | undefined;
  /** The gathered answer, for readers that get one. */
  gathered: string | undefined;

  constructor(
    readonly name: string,
    /** The number after which it has asked for events. */
    readonly after = 0,
  ) {}

  get last(): number {
    const behindGap = this.gaps.at(-1)?.to ?? 0;
    return Math.max(this.numbers.at(-1) ?? this.after, behindGap);
  }
}
