import { randomUUID } from "node:crypto";
import type { SandboxState } from "../sandboxes/assignment.js";
import type { KernelObject, KernelsClient } from "../sandboxes/kernels.js";

/** The kernels of one session: which there are, and which of them a request means. */
export class SessionKernels {
  #known: KernelObject[];
  readonly #languages: string[];
  /** Kernels being started because a request named their language. */
  readonly #starting = new Map<string, Promise<string>>();

  constructor(
    private readonly client: KernelsClient,
    state: SandboxState,
  ) {
    this.#known = state.kernels;
    this.#languages = state.languages;
  }

  /** As they were when kerneld was last asked; the first is the session's default. */
  get known(): readonly KernelObject[] {
    return this.#known;
  }

  /** Asks kerneld again. Throws LinkError. */
  async refresh(signal: AbortSignal): Promise<void> {
    this.#known = await this.client.list({ signal });
  }

  /**
   * The id of the kernel that a request means: the one it names, the one of its language, or the default one. A
   * language (also the default one) without a kernel gets one, once, however many ask for it at the same time.
   * @throws LinkError, KerneldError `language_unavailable`
   */
  async choose(wanted: {
    kernel?: string | undefined;
    language?: string | undefined;
  }): Promise<string> {
    if (wanted.kernel !== undefined) return wanted.kernel.toLowerCase();
    const [first] = this.#known;
    if (wanted.language === undefined && first !== undefined) return first.id;
    const language = wanted.language ?? this.#languages[0] ?? "python";
    const known = this.#known.find((candidate) => candidate.language === language);
    if (known) return known.id;
    const starting =
      this.#starting.get(language) ??
      this.#start(language).finally(() => this.#starting.delete(language));
    this.#starting.set(language, starting);
    return starting;
  }

  async #start(language: string): Promise<string> {
    const made = await this.client.add({ id: randomUUID(), language });
    this.#known = [...this.#known, made];
    return made.id;
  }
}
