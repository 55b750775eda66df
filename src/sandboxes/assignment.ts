import { z } from "zod";

import { type CallOptions, callFor } from "./call.js";
import { kernelObject } from "./kernels.js";
import type { SandboxLink } from "./link.js";
import { runObjects } from "./runs.js";
import { kernelId, token } from "./untrusted.js";

/** Every named kernel must be ready; kerneld has a shorter deadline of its own. */
const ASSIGN_WITHIN_MS = 120_000;

/** A sandbox's state. */
const sandboxState = z.object({
  boot: z.string().regex(/^[0-9a-f]{32}$/),
  assigned: z.boolean(),
  /** The first number still kept and the last one given; 0 or null while there is none. */
  first_n: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).nullable(),
  last_n: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).nullable(),
  kernels: z.array(kernelObject).max(1_000),
  languages: z.array(token).max(100),
  /** Where they were asked for; a kerneld of an earlier release does not know of that. */
  runs: runObjects.optional(),
});
export type SandboxState = z.infer<typeof sandboxState>;

/** What makes an anonymous sandbox a session's. */
export interface Assignment {
  session_id: string;
  env: Record<string, string>;
  cwd: string | null;
  kernels: { id: string; language: string }[];
}

/** The sandbox as a whole. Every call throws LinkError or KerneldError. */
export interface AssignmentClient {
  /** Gives the sandbox to a session; resolves when its kernels are ready. Sent again when a connection broke. */
  assign(assignment: Assignment, options?: CallOptions): Promise<SandboxState>;
  /** @param options `runs` asks for the runs of the same moment, too */
  state(options?: CallOptions & { runs?: boolean }): Promise<SandboxState>;
}

export function createAssignmentClient(link: SandboxLink): AssignmentClient {
  return {
    assign: (assignment, options) => {
      for (const { id } of assignment.kernels) kernelId.parse(id);
      return callFor(link, sandboxState, {
        withinMs: ASSIGN_WITHIN_MS,
        ...options,
        method: "POST",
        path: "/assign",
        body: assignment,
        over: "control",
        idempotent: true,
      });
    },
    state: ({ runs = false, ...options } = {}) =>
      callFor(link, sandboxState, {
        ...options,
        method: "GET",
        path: runs ? "/state?runs=1" : "/state",
        idempotent: true,
      }),
  };
}
