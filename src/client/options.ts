import type { ExecutionRequest } from "../sessions/execution-request.js";
import type { KernelRequest } from "../sessions/kernel-request.js";
import type { SessionOptions as SessionDescription } from "../sessions/session-options.js";

/** What every call takes. */
export interface CallOptions {
  /** Ends the call at once: it throws the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** How broken connections are dealt with while code runs. */
export interface RetryOptions {
  /** How long a gateway may be away before the call fails, in seconds; 60 by default, 0 fails at the first break. */
  for_s?: number | undefined;
  /** After how long without a byte a connection counts as broken, in seconds; 60 by default. The gateway sends one every 15. */
  silence_s?: number | undefined;
}

/** What a session is made with; `id` finds the session of that id, or makes it. */
export interface SessionOptions extends SessionDescription, CallOptions {
  id?: string | undefined;
}

/** What a kernel is made with. */
export interface KernelOptions extends KernelRequest, CallOptions {}

/** How code is executed, as the API has it, and what the client does meanwhile. */
export interface ExecutionOptions extends Omit<ExecutionRequest, "code">, CallOptions {
  retry?: RetryOptions | undefined;
}

/** How a question is answered. */
export interface InputOptions extends CallOptions {
  /** The number of the `input_request` that is answered: another one does not take the answer. */
  n?: number | undefined;
}

/** Which events of a session are followed. */
export interface FollowOptions extends CallOptions {
  /** Only events with larger numbers, 0 for all that are kept; those from now on by default. */
  after?: number | undefined;
  /** The id of a kernel: only its events. */
  kernel?: string | undefined;
  retry?: RetryOptions | undefined;
}

/** Code and its session in one call: options of the session count where the call makes it. */
export interface RunOptions
  extends
    Omit<SessionDescription, "env" | "cwd">,
    Omit<ExecutionRequest, "code" | "env" | "cwd">,
    CallOptions {
  /** The session's id; a session of its own otherwise, which ends when it is unused for a while. */
  session?: string | undefined;
  /** Environment variables of the session. */
  env?: SessionDescription["env"];
  /** Working directory of the session's kernels. */
  cwd?: SessionDescription["cwd"];
  retry?: RetryOptions | undefined;
}

export interface HotcellOptions {
  /**
   * Where the gateway is. `HOTCELL_URL` by default, else the page's own origin in browsers, else
   * `http://127.0.0.1:8788`.
   */
  url?: string | undefined;
  /** `HOTCELL_API_KEY` by default; without one, browsers send the page's cookie. */
  key?: string | undefined;
  /** Used in place of the global `fetch`. */
  fetch?: typeof globalThis.fetch | undefined;
  /** For executions that do not say otherwise. */
  retry?: RetryOptions | undefined;
}
