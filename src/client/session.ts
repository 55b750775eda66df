/// <reference lib="esnext.disposable" preserve="true" />
import { isNotebook, isSession } from "./answers.js";
import { HotcellError } from "./error.js";
import { Execution } from "./execution.js";
import { SessionFiles } from "./files.js";
import { makeId } from "./id.js";
import { SessionKernels } from "./kernels.js";
import type { CallOptions, ExecutionOptions, FollowOptions } from "./options.js";
import { eventsPath, sessionPath } from "./path.js";
import { SessionEvents } from "./session-events.js";
import type { Transport } from "./transport.js";
import type { Completion, Inspection, Notebook, Result, SessionView } from "./views.js";

/** Longest that a notebook may take, in milliseconds: all that was said is read for it. */
const NOTEBOOK_MS = 60_000;

/** A session: an interpreter that keeps its state, and its files. Every method throws HotcellError, or its signal's reason. */
export class Session implements AsyncDisposable {
  readonly id: string;
  /** The files in its sandbox. */
  readonly files: SessionFiles;
  /** Its kernels; code runs in the first one where it does not name another. */
  readonly kernels: SessionKernels;
  /** Whether this client made it, rather than found it: `await using` ends it then. */
  readonly made: boolean;
  readonly #gateway: Transport;
  readonly #path: string;
  #view: SessionView;

  /** Made by `Hotcell.session` and `Hotcell.attach`. */
  constructor(gateway: Transport, view: SessionView, made: boolean) {
    this.id = view.id;
    this.files = new SessionFiles(gateway, view.id);
    this.kernels = new SessionKernels(gateway, view.id);
    this.made = made;
    this.#gateway = gateway;
    this.#path = sessionPath(view.id);
    this.#view = view;
  }

  /** The session as the gateway last described it; `refresh` asks again. */
  get view(): SessionView {
    return this.#view;
  }

  /** Runs code and gathers what it says. Code that fails is a result, not an exception. */
  async run(code: string, options?: ExecutionOptions): Promise<Result> {
    return this.stream(code, options).result();
  }

  /** Code to run, event by event. It is sent when its events are first read, or by `accepted()`. */
  stream(code: string, options: ExecutionOptions = {}): Execution {
    const { signal, retry, execution_id = makeId("exe"), ...asked } = options;
    const request = { path: `${this.#path}/execute`, body: { ...asked, code, execution_id } };
    return new Execution(this.#gateway, {
      id: execution_id,
      sessionId: this.id,
      submission: { ...request, again: request },
      signal,
      retry,
    });
  }

  /** An execution of this session that exists, by its id. */
  execution(id: string, options: Pick<ExecutionOptions, "signal" | "retry"> = {}): Execution {
    return new Execution(this.#gateway, { ...options, id, sessionId: this.id });
  }

  /** What happens in the session from now on, or behind a number; with a `kernel`, only what happens there. */
  events(options: FollowOptions = {}): SessionEvents {
    return new SessionEvents(this.#gateway, eventsPath(this.id, options.kernel), options);
  }

  /** Interrupts what runs in the default kernel. */
  async interrupt(options: CallOptions = {}): Promise<void> {
    await this.kernels.interrupt(await this.#defaultKernel(options), options);
  }

  /** Gives the default kernel a fresh interpreter: variables are lost, files stay. */
  async restart(options: CallOptions = {}): Promise<void> {
    await this.kernels.restart(await this.#defaultKernel(options), options);
  }

  /** What could stand at the cursor, which counts Unicode code points; the end of the code by default. */
  async complete(code: string, cursor?: number, options: CallOptions = {}): Promise<Completion> {
    return this.kernels.complete(await this.#defaultKernel(options), code, cursor, options);
  }

  /** What is known of the name at the cursor; with `detail` 1, its source, too. */
  async inspect(
    code: string,
    cursor?: number,
    detail?: 0 | 1,
    options: CallOptions = {},
  ): Promise<Inspection> {
    return this.kernels.inspect(await this.#defaultKernel(options), code, cursor, detail, options);
  }

  /** What was executed so far, with its output, as a Jupyter notebook (nbformat 4.5): in the default kernel, or the named one. */
  async notebook({
    kernel,
    ...options
  }: CallOptions & { kernel?: string | undefined } = {}): Promise<Notebook> {
    const query = kernel === undefined ? "" : `?kernel=${encodeURIComponent(kernel)}`;
    const path = `${this.#path}/notebook${query}`;
    const request = { ...options, accept: "application/x-ipynb+json", withinMs: NOTEBOOK_MS };
    return this.#gateway.json(
      await this.#gateway.request("GET", path, request),
      isNotebook,
      options,
    );
  }

  /** Asks the gateway for the session as it is now. */
  async refresh(options: CallOptions = {}): Promise<SessionView> {
    const response = await this.#gateway.request("GET", this.#path, options);
    this.#view = await this.#gateway.json(response, isSession, options);
    return this.#view;
  }

  /** Ends the session and everything in it; one that has ended already is fine. */
  async end(options?: CallOptions): Promise<void> {
    try {
      await this.#gateway.request("DELETE", this.#path, options);
    } catch (error) {
      const { code } = error as Partial<HotcellError>;
      if (code !== "session_not_found" && code !== "session_ended") throw error;
    }
  }

  /** Ends the session if this client made it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.made) await this.end();
  }

  async #defaultKernel(options: CallOptions): Promise<string> {
    const [kernel] =
      this.#view.kernels.length > 0 ? this.#view.kernels : (await this.refresh(options)).kernels;
    if (kernel === undefined) {
      throw new HotcellError("kernel_not_found", `The session ${this.id} has no kernel yet`);
    }
    return kernel.id;
  }
}
