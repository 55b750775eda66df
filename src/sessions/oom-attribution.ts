/** How soon a sandbox ends whose first processes were killed for want of memory. */
const ENDS_WITHIN_MS = 5_000;

/** Tells whether a sandbox has ended of want of memory, or only something in it has died of that before. */
export class OomAttribution {
  #seen = false;
  #unexplainedAt = -Infinity;
  #kernelDiedAt = -Infinity;

  /** @param adopted whether an earlier gateway had the sandbox: what was killed then explains nothing now */
  constructor(private readonly adopted = false) {}

  /** The runtime says that something was killed, so many milliseconds ago. */
  killed(agoMs = 0): void {
    this.#seen = true;
    const at = performance.now() - agoMs;
    if (at - this.#kernelDiedAt > ENDS_WITHIN_MS) this.#unexplainedAt = at;
  }

  /** kerneld, which has survived it, says that it was a kernel. The runtime may say so later. */
  kernelDied(): void {
    this.#kernelDiedAt = performance.now();
    this.#unexplainedAt = -Infinity;
  }

  /** Whether that is what the sandbox ends of now. */
  endsSandbox(): boolean {
    if (!this.#seen) return !this.adopted;
    return performance.now() - this.#unexplainedAt < ENDS_WITHIN_MS;
  }
}
