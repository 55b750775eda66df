/** Longest delay of a timer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface ExpiryOptions {
  /** Now, unless it began, and was last active, earlier. */
  createdAt?: Date;
  lastActiveAt?: Date;
  /** Ends this long after creation; never when null. */
  ttlMs: number | null;
  /** Ends after this long without activity. */
  idleMs: number;
  /** Whether something runs: then the session is not idle, however long ago the last activity was. */
  isBusy: () => boolean;
  onExpire: (reason: "ttl" | "idle") => void;
}

/** A session's lifetime: one timer, armed for the nearest end. */
export class Expiry {
  readonly #createdAt: number;
  #lastActiveAt: number;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(private readonly options: ExpiryOptions) {
    const now = Date.now();
    this.#createdAt = options.createdAt?.getTime() ?? now;
    this.#lastActiveAt = Math.min(options.lastActiveAt?.getTime() ?? now, now);
    this.#arm();
  }

  get lastActiveAt(): Date {
    return new Date(this.#lastActiveAt);
  }

  /** When the session will end if nothing happens any more. */
  get expiresAt(): Date {
    const idleFrom = this.options.isBusy() ? Date.now() : this.#lastActiveAt;
    return new Date(Math.min(idleFrom + this.options.idleMs, this.#ttlEnd));
  }

  /** Counts as activity: requests, the ends of executions, traffic. */
  touch(): void {
    this.#lastActiveAt = Date.now();
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  get #ttlEnd(): number {
    return this.options.ttlMs === null ? Infinity : this.#createdAt + this.options.ttlMs;
  }

  #arm(): void {
    if (this.#closed) return;
    const delay = Math.max(1, this.expiresAt.getTime() - Date.now());
    this.#timer = setTimeout(() => this.#check(), Math.min(delay, MAX_TIMER_MS));
    this.#timer.unref();
  }

  #check(): void {
    const now = Date.now();
    if (now >= this.#ttlEnd) this.options.onExpire("ttl");
    else if (!this.options.isBusy() && now >= this.#lastActiveAt + this.options.idleMs) {
      this.options.onExpire("idle");
    } else this.#arm();
  }
}
