import type { HotcellOptions } from "../../src/client/index.js";

/** A way by which a model's code reaches the gateway. */
export interface Door {
  /** The gateway's session for a conversation. */
  sessionId(thread: string): Promise<string>;
  /** Has a model call its tool once, and returns what the model is then given to read. */
  call(code: string, options: CallOptions): Promise<Answer>;
}

export interface CallOptions {
  thread: string;
  timeout_s?: number;
  signal?: AbortSignal;
}

export interface Answer {
  text: string;
  /** Media types of the figures that came with it. */
  images: string[];
  /** Whether it says that the tool itself has failed. */
  failed: boolean;
}

/** Opens the door to a gateway. */
export type OpenDoor = (gateway: HotcellOptions) => Door;
