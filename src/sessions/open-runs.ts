import type { JournalRecord } from "../sandboxes/journal-record.js";

/** How long kerneld has, beyond a run's deadline and grace, to say that the run has ended. */
const END_MARGIN_MS = 5_000;

/** How long accepted runs may wait while none runs: a kernel's restart takes far less. */
const START_MARGIN_MS = 60_000;

/** Longest delay of a timer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What kerneld gives the runs that Jupyter clients start: nobody asked the session for them. */
const JUPYTER_LIMITS = { timeout_s: 7 * 24 * 3600, grace_s: 5 };

/** While so many runs are open, one that nobody asked for is not believed. */
const MOST_OF_OTHERS = 64;

interface OpenRun {
  /** Deadline and grace. */
  allowedMs: number;
  startedAt: number | undefined;
  /** Since when it is watched. */
  since: number;
}

/**
 * The runs that a session asked for, or that Jupyter clients have started, and that have not ended. Calls `onOverdue` when kerneld does not end one in its
 * time, or starts none while some wait: a sandbox that user code has taken over could otherwise keep its clients
 * waiting for ever.
 */
export class OpenRuns {
  readonly #open = new Map<string, OpenRun>();
  #quietSince = Date.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly onOverdue: () => void) {}

  get size(): number {
    return this.#open.size;
  }

  /**
   * Begins to watch a run, before kerneld is asked for it, or one that an earlier gateway has asked for, which may have
   * started. Returns whether it was not watched yet.
   */
  add(run: string, limits: { timeout_s: number; grace_s: number }, startedAt?: number): boolean {
    if (this.#open.has(run)) return false;
    if (this.#open.size === 0) this.#quietSince = Date.now();
    const allowedMs = (limits.timeout_s + limits.grace_s) * 1000 + END_MARGIN_MS;
    this.#open.set(run, { allowedMs, startedAt, since: Date.now() });
    this.#arm();
    return true;
  }

  /** The run has ended, or was refused. */
  delete(run: string): void {
    if (!this.#open.delete(run)) return;
    this.#quietSince = Date.now();
    this.#arm();
  }

  /** Takes note of a record as it comes in. */
  see(record: JournalRecord): void {
    if (record.kind !== "run") return;
    if (record.event === "execution_finished") this.delete(record.run);
    else if (record.event === "execution_started") {
      if (this.#open.size < MOST_OF_OTHERS) this.add(record.run, JUPYTER_LIMITS);
      const open = this.#open.get(record.run);
      if (!open) return;
      open.startedAt ??= Date.now();
      this.#arm();
    }
  }

  /** Idempotent. */
  close(): void {
    this.#open.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** When the next run will be overdue, in milliseconds since the epoch. */
  #nextOverdue(): number | undefined {
    if (this.#open.size === 0) return undefined;
    let next: number | undefined;
    for (const { startedAt, allowedMs, since } of this.#open.values()) {
      if (startedAt === undefined) continue;
      // One whose time was up before this gateway was there may just be ending, with a sandbox that was frozen.
      const overdue = Math.max(startedAt + allowedMs, since + END_MARGIN_MS);
      next = Math.min(next ?? Infinity, overdue);
    }
    return next ?? this.#quietSince + START_MARGIN_MS;
  }

  /** Sets the one timer for the next run that would be overdue. */
  #arm(): void {
    const next = this.#nextOverdue();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (next === undefined) return;
    const delay = Math.min(Math.max(0, next - Date.now()), MAX_TIMER_MS);
    this.#timer = setTimeout(() => this.#look(), delay);
    this.#timer.unref();
  }

  #look(): void {
    const next = this.#nextOverdue();
    if (next !== undefined && next <= Date.now()) this.onOverdue();
    else this.#arm();
  }
}
