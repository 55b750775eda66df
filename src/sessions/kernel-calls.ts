import type { z } from "zod";
import { HotcellError } from "../errors.js";
import {
  completeReplySchema,
  historyReply,
  type historyReplySchema,
  inspectReplySchema,
  isCompleteReplySchema,
} from "../kernels/shell-reply.js";
import type { CallOptions } from "../sandboxes/call.js";
import { KerneldError } from "../sandboxes/kerneld-error.js";
import type { CommMessage, KernelObject, ShellRequest } from "../sandboxes/kernels.js";
import { commMessage } from "./comm-message.js";
import type { CommRequest } from "./comm-request.js";
import { type HistoryRequest, historyContent } from "./history-request.js";
import type { KernelRequest } from "./kernel-request.js";
import type { SessionKernels } from "./session-kernels.js";
import { kernelView } from "./session-summary.js";
import type { KernelView } from "./session-view.js";

/** Longest that a kernel may take to answer: it does so between executions only. */
const REPLY_WITHIN_S = 30;

/** Which kernel is asked; the default one where it is not said. */
export type KernelChoice = string | undefined;

export interface KernelCallsServices {
  /** The kernels, once the session runs; throws what keeps it from running. */
  kernels(): Promise<SessionKernels>;
  /** Runs `work` and throws what a client may be told of its failure. */
  ask<T>(work: Promise<T>): Promise<T>;
  /** The same for what must not be done twice: `shutting_down` then says that it was not done. */
  tell<T>(work: Promise<T>): Promise<T>;
  /** The session was used. */
  touch(): void;
}

/**
 * What clients ask of a session's kernels besides executing. Everything throws HotcellError: `kernel_not_found`,
 * `kernel_timeout` where a busy kernel did not come to answer, and what ends sessions. Cursors count Unicode code points.
 */
export class KernelCalls {
  /** Settles with the last comm message: each goes over a connection of its own, and they have an order. */
  #lastComm: Promise<void> = Promise.resolve();

  constructor(private readonly services: KernelCallsServices) {}

  async list(options: CallOptions = {}): Promise<KernelView[]> {
    const kernels = await this.services.kernels();
    return (await this.services.ask(kernels.refresh(options))).map(kernelView);
  }

  async get(kernel: string, options: CallOptions = {}): Promise<KernelView> {
    const kernels = await this.services.kernels();
    return kernelView(await this.services.ask(kernels.get(kernel.toLowerCase(), options)));
  }

  /**
   * A kernel more, with a namespace of its own; resolves when it is ready. Throws `language_unavailable`, `kernel_limit`,
   * `invalid_path` where its directory cannot be one, and `kernel_start_failed`, too.
   */
  async create(request: KernelRequest): Promise<KernelView> {
    const kernels = await this.services.kernels();
    this.services.touch();
    const { language, name, cwd, env } = request;
    const wanted = {
      language,
      ...(name === undefined ? {} : { name }),
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env }),
    };
    return kernelView(await this.services.ask(ofRequest(kernels.add(wanted))));
  }

  /** Ends a kernel for good: what runs and waits in it ends as `cancelled`, with the reason `kernel_removed`. */
  async delete(kernel: string): Promise<void> {
    const kernels = await this.services.kernels();
    this.services.touch();
    await this.services.ask(kernels.remove(kernel.toLowerCase()));
  }

  /** Interrupts what runs in the kernel; where nothing runs, nothing happens. */
  async interrupt(kernel: string): Promise<void> {
    const kernels = await this.services.kernels();
    this.services.touch();
    await this.services.ask(kernels.interrupt(kernel.toLowerCase()));
  }

  /** Starts the kernel's interpreter anew; resolves when it is ready. Throws `kernel_start_failed`, too. */
  async restart(kernel: string): Promise<KernelView> {
    const kernels = await this.services.kernels();
    this.services.touch();
    return kernelView(await this.services.ask(kernels.restart(kernel.toLowerCase())));
  }

  /** What could stand at the cursor, by default at the end of the code. */
  async complete(
    kernel: KernelChoice,
    { code, cursor }: { code: string; cursor?: number | undefined },
    options?: CallOptions,
  ): Promise<z.output<typeof completeReplySchema>> {
    const content = { code, cursor_pos: cursor ?? codePoints(code) };
    return completeReplySchema.parse(
      await this.#request(kernel, "complete_request", content, options),
    );
  }

  /** What is known of the name at the cursor; `detail` 1 asks for its source, too. */
  async inspect(
    kernel: KernelChoice,
    {
      code,
      cursor,
      detail,
    }: { code: string; cursor?: number | undefined; detail?: 0 | 1 | undefined },
    options?: CallOptions,
  ): Promise<z.output<typeof inspectReplySchema>> {
    const content = { code, cursor_pos: cursor ?? codePoints(code), detail_level: detail ?? 0 };
    return inspectReplySchema.parse(
      await this.#request(kernel, "inspect_request", content, options),
    );
  }

  /** Whether the code is ready to be executed, or wants another line. */
  async isComplete(
    kernel: KernelChoice,
    { code }: { code: string },
    options?: CallOptions,
  ): Promise<z.output<typeof isCompleteReplySchema>> {
    return isCompleteReplySchema.parse(
      await this.#request(kernel, "is_complete_request", { code }, options),
    );
  }

  /** What was executed in the kernel's interpreter, oldest first. */
  async history(
    kernel: KernelChoice,
    request: HistoryRequest,
    options?: CallOptions,
  ): Promise<z.output<typeof historyReplySchema>> {
    const content = historyContent(request);
    return historyReply(await this.#request(kernel, "history_request", content, options));
  }

  /**
   * Sends a comm message, in the order of these calls and behind the executions that were accepted before; what the kernel
   * says because of it are events of the kernel and the session. Throws `body_too_large`, and `queue_full` where too many
   * wait for a busy kernel, too.
   */
  async comm(kernel: KernelChoice, request: CommRequest): Promise<void> {
    const message = commMessage(request);
    const sent = this.#lastComm.then(() => this.#sendComm(kernel, message));
    this.#lastComm = sent.catch(() => undefined);
    return sent;
  }

  async #sendComm(kernel: KernelChoice, message: CommMessage): Promise<void> {
    const kernels = await this.services.kernels();
    const id = await this.services.ask(kernels.choose({ kernel }));
    this.services.touch();
    await this.services.tell(kernels.comm(id, message));
  }

  async #request(
    kernel: KernelChoice,
    msg_type: ShellRequest["msg_type"],
    content: Record<string, unknown>,
    options: CallOptions = {},
  ): Promise<Record<string, unknown>> {
    const kernels = await this.services.kernels();
    const id = await this.services.ask(kernels.choose({ kernel }));
    this.services.touch();
    const request = { msg_type, content, timeout_s: REPLY_WITHIN_S };
    return (await this.services.ask(kernels.request(id, request, options))).content;
  }
}

/** Which field of the request kerneld's refusals of a new kernel are about. */
const FIELDS = {
  invalid_path: "cwd",
  invalid_request: "env",
  language_unavailable: "language",
} as const;

/** What kerneld refuses of a new kernel, with the field that it is about. */
async function ofRequest(made: Promise<KernelObject>): Promise<KernelObject> {
  try {
    return await made;
  } catch (error) {
    if (!(error instanceof KerneldError)) throw error;
    const { code, detail } = error;
    if (code !== "invalid_path" && code !== "invalid_request" && code !== "language_unavailable") {
      throw error;
    }
    const errors = [{ path: FIELDS[code], message: detail }];
    throw new HotcellError(code, detail, { errors, cause: error });
  }
}

/** Positions in the messaging protocol count code points (since 5.2), not UTF-16 units. */
function codePoints(text: string): number {
  return Array.from(text).length;
}
