/** Characters that several holders may have together. */
export class CharacterBudget {
  #left: number;

  constructor(characters: number) {
    this.#left = characters;
  }

  /** Whether so many more may be held; they are, if so. */
  take(characters: number): boolean {
    if (characters > this.#left) return false;
    this.#left -= characters;
    return true;
  }

  /** Gives back what was taken. */
  give(characters: number): void {
    this.#left += characters;
  }
}
