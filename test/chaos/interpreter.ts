/** What is known of a session's interpreter: which generation it is, and how many runs it has counted. */
export class Interpreter {
  #generation = 0;
  #fewest = 0;
  #most = 0;
  #unseen = false;

  /** A run has started in a generation. Returns what is wrong with that. */
  started(generation: number, state: "kept" | "fresh"): string | undefined {
    const before = this.#generation;
    if (generation < before) return `generation ${generation} came after ${before}`;
    const isNew = generation > before;
    if (isNew) {
      this.#generation = generation;
      this.#fewest = this.#most = 0;
    }
    const unseen = this.#unseen;
    this.#unseen = false;
    if (unseen && isNew && state === "kept") this.#most = Infinity;
    if (!unseen && isNew !== (state === "fresh")) {
      return `state is ${state} in generation ${generation} after ${before}`;
    }
    return undefined;
  }

  /** A run said how many have run in its interpreter, itself included. Returns what is wrong with that. */
  counted(count: number): string | undefined {
    const fits = count > this.#fewest && count <= this.#most + 1;
    const expected = `${this.#fewest + 1} to ${this.#most + 1}`;
    this.#fewest = this.#most = count;
    return fits ? undefined : `it is run ${count} of its interpreter, not ${expected}`;
  }

  /** A run has started, and its start was not seen: what came before tells nothing of what comes. */
  startedUnseen(): void {
    this.#unseen = true;
    this.#fewest = 0;
    this.#most = Infinity;
  }

  /** A run was cut off before it said so. */
  perhapsCounted(): void {
    this.#most += 1;
  }
}
