import { z } from "zod";

import { type CallOptions, callFor, callForNothing } from "./call.js";
import { type JsonObject, isJsonObject } from "./json.js";
import type { SandboxLink } from "./link.js";
import { count, kernelId, smallInteger, text, timestamp, token } from "./untrusted.js";

/** How long a kernel may take to be ready; kerneld has a shorter deadline of its own. */
const START_WITHIN_MS = 90_000;

/** A kernel, as kerneld describes it. */
export const kernelObject = z.object({
  id: kernelId,
  language: token,
  language_version: text(64).nullable(),
  name: text(200).nullable(),
  execution_state: z.enum(["starting", "idle", "busy", "restarting", "dead"]),
  /** How often the kernel was restarted. */
  generation: count,
  execution_count: count,
  last_death: z
    .object({
      reason: text(500),
      signal: smallInteger.nullable(),
      exit_code: smallInteger.nullable(),
      at: timestamp,
    })
    .nullable(),
  /** When the kernel last said something. */
  last_activity_at: timestamp.optional(),
});
export type KernelObject = z.infer<typeof kernelObject>;

const kernelList = z.object({ kernels: z.array(kernelObject).max(1_000) });

const shellReply = z.object({
  msg_type: token,
  content: z.custom<JsonObject>(isJsonObject, "expected an object"),
});

export interface NewKernel {
  id: string;
  language: string;
  name?: string;
  cwd?: string;
  env?: Record<string, string>;
}

/** A shell request other than execute. */
export interface ShellRequest {
  msg_type:
    | "complete_request"
    | "inspect_request"
    | "is_complete_request"
    | "history_request"
    | "kernel_info_request"
    | "comm_info_request";
  content: Record<string, unknown>;
  timeout_s: number;
}

/** A comm message of a client (messaging protocol, "Custom Messages"). */
export interface CommMessage {
  msg_type: "comm_open" | "comm_msg" | "comm_close";
  content: Record<string, unknown>;
  metadata: Record<string, unknown>;
  /** Base64, at most 256. */
  buffers: string[];
}

/** A shell reply: its content is the kernel's own and unchecked. */
export type ShellReply = z.infer<typeof shellReply>;

/** A sandbox's kernels. Every call throws LinkError or KerneldError. */
export interface KernelsClient {
  list(options?: CallOptions): Promise<KernelObject[]>;
  get(kernel: string, options?: CallOptions): Promise<KernelObject>;
  /** Resolves when the kernel is ready. */
  add(kernel: NewKernel, options?: CallOptions): Promise<KernelObject>;
  remove(kernel: string, options?: CallOptions): Promise<void>;
  interrupt(kernel: string, options?: CallOptions): Promise<void>;
  /** Resolves when the kernel is ready again. */
  restart(kernel: string, options?: CallOptions): Promise<KernelObject>;
  request(kernel: string, request: ShellRequest, options?: CallOptions): Promise<ShellReply>;
  /** Resolves when the message will reach the kernel behind the runs before it, unless its interpreter ends. */
  comm(kernel: string, message: CommMessage, options?: CallOptions): Promise<void>;
}

export function createKernelsClient(link: SandboxLink): KernelsClient {
  return {
    list: async (options) => {
      const call = { ...options, method: "GET", path: "/kernels", idempotent: true } as const;
      return (await callFor(link, kernelList, call)).kernels;
    },
    get: (kernel, options) =>
      callFor(link, kernelObject, {
        ...options,
        method: "GET",
        path: kernelPath(kernel),
        idempotent: true,
      }),
    add: (kernel, options) =>
      callFor(link, kernelObject, {
        withinMs: START_WITHIN_MS,
        ...options,
        method: "POST",
        path: "/kernels",
        body: kernel,
        idempotent: false,
      }),
    remove: (kernel, options) =>
      callForNothing(link, {
        ...options,
        method: "DELETE",
        path: kernelPath(kernel),
        idempotent: false,
      }),
    interrupt: (kernel, options) =>
      callForNothing(link, {
        ...options,
        method: "POST",
        path: `${kernelPath(kernel)}/interrupt`,
        body: {},
        over: "control",
        idempotent: false,
      }),
    restart: (kernel, options) =>
      callFor(link, kernelObject, {
        withinMs: START_WITHIN_MS,
        ...options,
        method: "POST",
        path: `${kernelPath(kernel)}/restart`,
        body: {},
        idempotent: false,
      }),
    request: (kernel, request, options) =>
      callFor(link, shellReply, {
        withinMs: request.timeout_s * 1_000 + 5_000,
        ...options,
        method: "POST",
        path: `${kernelPath(kernel)}/request`,
        body: request,
        idempotent: true,
      }),
    comm: (kernel, message, options) =>
      callForNothing(link, {
        ...options,
        method: "POST",
        path: `${kernelPath(kernel)}/comm`,
        body: message,
        idempotent: false,
      }),
  };
}

function kernelPath(kernel: string): string {
  return `/kernels/${kernelId.parse(kernel)}`;
}
