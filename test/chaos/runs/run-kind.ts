import type { Random } from "../random.js";
import type { Script } from "../script.js";

/** A way in which a run may end. */
export interface End {
  status: "ok" | "error" | "interrupted" | "timed_out" | "kernel_died" | "cancelled";
  /** Undefined: there is none. */
  reason?: string | undefined;
  state?: "kept" | "lost";
  /** Whether everything must have been said; otherwise what was said is a beginning of it. */
  complete: boolean;
}

/** Code of which is known what it says and how it ends. */
export interface Scene {
  code: string;
  options?: {
    timeout_s?: number;
    max_output_bytes?: number;
    stdin?: "deny" | "ask" | string[];
    stop_on_error?: boolean;
  };
  script: Script;
  /** How it may end when nothing disturbs it. */
  ends: End[];
  /** What to answer to each `input_request`. */
  answers?: string[];
  /** What a sandbox must have for it; left out where it has not. */
  needs?: "memory_limit" | "disk_limit";
  /** The session may end with it for this reason. */
  sessionEnd?: string;
  /** Whether it may be interrupted and cancelled at any moment and is still judged by its script. */
  interruptible?: boolean;
  /** How many of its events are worth waiting for before something happens to it. */
  events: number;
}

/** A kind of run. `tag` is in everything that it says, and nowhere else. */
export interface RunKind {
  readonly name: string;
  scene(tag: string, random: Random): Scene;
}

export const OK: End = { status: "ok", state: "kept", complete: true };

/** A Python string literal: JSON's are, but for characters beyond the basic plane, which Python reads as they are. */
export const python = (value: string): string => JSON.stringify(value);
