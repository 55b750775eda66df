import {
  isCompleteness,
  isCompletion,
  isHistory,
  isInspection,
  isKernel,
  isKernelList,
} from "./answers.js";
import type { CallOptions, KernelOptions } from "./options.js";
import { kernelPath, sessionPath } from "./path.js";
import { START_CALL_MS, type Transport } from "./transport.js";
import type {
  CommMessage,
  Completeness,
  Completion,
  History,
  HistoryRequest,
  Inspection,
  KernelView,
} from "./views.js";

/** Longest that a kernel's reply may take, in milliseconds: the gateway waits for half of it. */
const REPLY_MS = 60_000;

/** A session's kernels: interpreters with a namespace each. Every method throws HotcellError, or its signal's reason. */
export class SessionKernels {
  readonly #gateway: Transport;
  readonly #session: string;

  /** Made by its session. */
  constructor(gateway: Transport, session: string) {
    this.#gateway = gateway;
    this.#session = session;
  }

  /** The kernels there are, the default one first. */
  async list(options: CallOptions = {}): Promise<KernelView[]> {
    const path = `${sessionPath(this.#session)}/kernels`;
    const response = await this.#gateway.request("GET", path, options);
    return (await this.#gateway.json(response, isKernelList, options)).kernels;
  }

  /** A kernel more, ready: for code give its id as `kernel`. */
  async create({ signal, ...body }: KernelOptions): Promise<KernelView> {
    const path = `${sessionPath(this.#session)}/kernels`;
    const request = { body, signal, withinMs: START_CALL_MS };
    const response = await this.#gateway.request("POST", path, request);
    return this.#gateway.json(response, isKernel, { signal });
  }

  async get(kernel: string, options: CallOptions = {}): Promise<KernelView> {
    const response = await this.#gateway.request("GET", this.#path(kernel), options);
    return this.#gateway.json(response, isKernel, options);
  }

  /** Ends a kernel for good; what runs in it ends as `cancelled`. */
  async delete(kernel: string, options?: CallOptions): Promise<void> {
    await this.#gateway.request("DELETE", this.#path(kernel), options);
  }

  /** Interrupts what runs in the kernel; where nothing runs, nothing happens. */
  async interrupt(kernel: string, options?: CallOptions): Promise<void> {
    await this.#gateway.request("POST", this.#path(kernel, "interrupt"), options);
  }

  /** Gives the kernel a fresh interpreter: variables are lost; its directory, its variables of the environment, and files stay. */
  async restart(kernel: string, options: CallOptions = {}): Promise<KernelView> {
    const request = { ...options, withinMs: START_CALL_MS };
    const response = await this.#gateway.request("POST", this.#path(kernel, "restart"), request);
    return this.#gateway.json(response, isKernel, options);
  }

  /** What could stand at the cursor, which counts Unicode code points; the end of the code by default. */
  async complete(
    kernel: string,
    code: string,
    cursor?: number,
    options: CallOptions = {},
  ): Promise<Completion> {
    const response = await this.#ask(kernel, "complete", { code, cursor }, options);
    return this.#gateway.json(response, isCompletion, options);
  }

  /** What is known of the name at the cursor; with `detail` 1, its source, too. */
  async inspect(
    kernel: string,
    code: string,
    cursor?: number,
    detail?: 0 | 1,
    options: CallOptions = {},
  ): Promise<Inspection> {
    const response = await this.#ask(kernel, "inspect", { code, cursor, detail }, options);
    return this.#gateway.json(response, isInspection, options);
  }

  /** Whether the code is ready to be executed, or wants another line. */
  async isComplete(kernel: string, code: string, options: CallOptions = {}): Promise<Completeness> {
    const response = await this.#ask(kernel, "is_complete", { code }, options);
    return this.#gateway.json(response, isCompleteness, options);
  }

  /** What was executed in the kernel's interpreter, oldest first: by default the latest 1000 inputs. */
  async history(
    kernel: string,
    request: HistoryRequest = {},
    options: CallOptions = {},
  ): Promise<History> {
    const response = await this.#ask(kernel, "history", request, options);
    return this.#gateway.json(response, isHistory, options);
  }

  /**
   * Sends a comm message, behind what was to be executed before. What the kernel answers are events of the session. Asked
   * once: where the connection breaks in the midst, that is thrown, and the kernel may have got it.
   */
  async comm(kernel: string, message: CommMessage, options: CallOptions = {}): Promise<void> {
    await this.#ask(kernel, "comm", message, options);
  }

  async #ask(
    kernel: string,
    action: string,
    body: object,
    options: CallOptions,
  ): Promise<Response> {
    const request = { ...options, body, withinMs: REPLY_MS };
    return this.#gateway.request("POST", this.#path(kernel, action), request);
  }

  #path(kernel: string, action?: string): string {
    return kernelPath(this.#session, kernel, action);
  }
}
