import type { z } from "zod";
import {
  completeReplySchema,
  inspectReplySchema,
  isCompleteReplySchema,
} from "../kernels/shell-reply.js";
import type { CallOptions } from "../sandboxes/call.js";
import type { ShellRequest } from "../sandboxes/kernels.js";
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
  /** The session was used. */
  touch(): void;
}

/**
 * What clients ask of a session's kernels besides executing. Everything throws HotcellError: `kernel_not_found`,
 * `kernel_timeout` where a busy kernel did not come to answer, and what ends sessions. Cursors count Unicode code points.
 */
export class KernelCalls {
  constructor(private readonly services: KernelCallsServices) {}

  async list(options: CallOptions = {}): Promise<KernelView[]> {
    const kernels = await this.services.kernels();
    return (await this.services.ask(kernels.refresh(options))).map(kernelView);
  }

  async get(kernel: string, options: CallOptions = {}): Promise<KernelView> {
    const kernels = await this.services.kernels();
    return kernelView(await this.services.ask(kernels.get(kernel.toLowerCase(), options)));
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

/** Positions in the messaging protocol count code points (since 5.2), not UTF-16 units. */
function codePoints(text: string): number {
  return Array.from(text).length;
}
