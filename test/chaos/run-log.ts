import { type ExecutionEvent, eventSchema, isTerminalEvent } from "../../src/kernels/event.js";
import type { PlannedRun } from "./plan.js";
import type { Reading } from "./reading.js";

/** What more goes wrong with a run follows from what did before. */
const MOST_VIOLATIONS = 8;

/** What all readers of one run have had of it. */
export class RunLog {
  readonly readings: Reading[] = [];
  readonly violations: string[] = [];
  /** When something happened to it that its transcript should tell. */
  readonly notes: string[] = [];
  /** Frames that readers got. */
  frames = 0;
  /** Characters of its events. */
  size = 0;
  /** Whether the gateway has said that it will run. */
  accepted = false;
  /** Resolves when it has. */
  readonly acceptance: Promise<void>;
  #accept: () => void = () => undefined;
  readonly #events = new Map<number, { event: ExecutionEvent; text: string }>();
  readonly #waiting = new Set<() => void>();
  #over = false;

  constructor(
    readonly run: PlannedRun,
    private readonly onAccepted: () => void = () => undefined,
  ) {
    this.acceptance = new Promise((resolve) => (this.#accept = resolve));
  }

  /** The gateway has said that it will run. */
  accept(): void {
    if (this.accepted) return;
    this.accepted = true;
    this.onAccepted();
    this.#accept();
  }

  /** Every event that anybody had, by number; gaps are none. */
  get events(): ExecutionEvent[] {
    return [...this.#events.values()].map(({ event }) => event).sort((a, b) => a.n - b.n);
  }

  get numbers(): number[] {
    return [...this.#events.keys()].sort((a, b) => a - b);
  }

  has(n: number): boolean {
    return this.#events.has(n);
  }

  note(text: string): void {
    this.notes.push(`${new Date().toISOString()} ${text}`);
  }

  violation(text: string): void {
    if (this.violations.length >= MOST_VIOLATIONS || this.violations.includes(text)) return;
    this.violations.push(text);
    this.note(`VIOLATION ${text}`);
  }

  /** Takes in what a reader got: `text` is an event's JSON. Returns the event. */
  add(reading: Reading, text: string): ExecutionEvent | undefined {
    this.frames += 1;
    const { ref: _, ...value } = JSON.parse(text) as Record<string, unknown>;
    const parsed = eventSchema.safeParse(value);
    if (!parsed.success) {
      this.violation(`${reading.name} got what is no event: ${text.slice(0, 300)}`);
      return undefined;
    }
    const event = parsed.data;
    if (event.execution_id !== this.run.id) {
      this.violation(`${reading.name} got an event of ${event.execution_id}`);
    }
    if (event.n <= reading.last) {
      this.violation(`${reading.name} got number ${event.n} (${event.type}) after ${reading.last}`);
    }
    if (event.type === "gap") {
      reading.gaps.push(event);
      return event;
    }
    reading.numbers.push(event.n);
    this.#compare(reading, event, JSON.stringify(value));
    for (const wake of this.#waiting) wake();
    return event;
  }

  /** Resolves when there have been so many events, or when no more will come. */
  reached(events: number): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!this.#over && this.#events.size < events) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  /** No more will come. */
  settle(): void {
    this.#over = true;
    for (const wake of this.#waiting) wake();
  }

  /** Whether somebody had its end. */
  get finished(): boolean {
    return [...this.#events.values()].some(({ event }) => isTerminalEvent(event));
  }

  #compare(reading: Reading, event: ExecutionEvent, text: string): void {
    const known = this.#events.get(event.n);
    if (known === undefined) {
      this.#events.set(event.n, { event, text });
      this.size += text.length;
    } else if (known.text !== text) {
      const both = `${text.slice(0, 300)} and ${known.text.slice(0, 300)}`;
      this.violation(`${reading.name} and another reader got different events ${event.n}: ${both}`);
    }
  }
}
