import { randomUUID } from "node:crypto";
import type { SandboxState } from "../sandboxes/assignment.js";
import type { CallOptions } from "../sandboxes/call.js";
import type {
  CommMessage,
  KernelObject,
  KernelsClient,
  NewKernel,
  ShellReply,
  ShellRequest,
} from "../sandboxes/kernels.js";

/** The kernels of one session: which there are, and which of them a request means. Calls throw LinkError and KerneldError. */
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

  /** Asks kerneld again. */
  async refresh(options: CallOptions): Promise<readonly KernelObject[]> {
    this.#known = await this.client.list(options);
    return this.#known;
  }

  async get(kernel: string, options: CallOptions): Promise<KernelObject> {
    return this.client.get(kernel, options);
  }

  /** A kernel more, ready. It is made to the end when nobody waits for it any more. */
  async add(kernel: Omit<NewKernel, "id">): Promise<KernelObject> {
    const made = await this.client.add({ ...kernel, id: randomUUID() });
    this.#known = [...this.#known, made];
    return made;
  }

  /** Resolves when it is gone. What ran and waited in it has ended as `cancelled`. */
  async remove(kernel: string): Promise<void> {
    await this.client.remove(kernel);
    this.#known = this.#known.filter(({ id }) => id !== kernel);
  }

  async interrupt(kernel: string): Promise<void> {
    await this.client.interrupt(kernel);
  }

  /** Resolves when the kernel is ready again. What ran and waited in it has ended as `cancelled`. */
  async restart(kernel: string): Promise<KernelObject> {
    const restarted = await this.client.restart(kernel);
    this.#known = this.#known.map((known) => (known.id === kernel ? restarted : known));
    return restarted;
  }

  async request(kernel: string, request: ShellRequest, options: CallOptions): Promise<ShellReply> {
    return this.client.request(kernel, request, options);
  }

  async comm(kernel: string, message: CommMessage): Promise<void> {
    await this.client.comm(kernel, message);
  }

  /**
   * The id of the kernel that a request means: the one it names, the one of its language, or the default one. A
   * language (also the default one) without a kernel gets one, once, however many ask for it at the same time.
   * @throws KerneldError `language_unavailable`
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
    return (await this.add({ language })).id;
  }
}
