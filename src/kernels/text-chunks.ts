/** How many short strings are held before they become one: each costs some forty bytes of its own. */
const MOST_CHUNKS = 1_024;

/** A text that grows by small pieces, at the cost of its characters rather than of its pieces. */
export class TextChunks {
  readonly #joined: string[] = [];
  #chunks: string[] = [];

  push(text: string): void {
    this.#chunks.push(text);
    if (this.#chunks.length < MOST_CHUNKS) return;
    this.#joined.push(this.#chunks.join(""));
    this.#chunks = [];
  }

  text(): string {
    const text = [...this.#joined, ...this.#chunks].join("");
    this.#joined.length = 0;
    this.#joined.push(text);
    this.#chunks = [];
    return text;
  }
}
