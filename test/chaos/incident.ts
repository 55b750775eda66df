import type { End } from "./runs/run-kind.js";

/** Something that was done to a session, and what it may have come to. */
export interface Incident {
  what: string;
  /** How runs may end because of it. */
  ends: End[];
  /** Why the session may end because of it. */
  sessionEnds: string[];
  /** The only run that it can end. */
  run?: string;
  /** How many runs it can end. */
  atMost?: number;
  /** The batch of the session in which it happened. */
  batch: number;
  /** Whether it may also hit runs of later batches. */
  lasting?: boolean;
}

export const died = (reason: string): End => ({ status: "kernel_died", reason, complete: false });
export const cancelled = (reason: string): End => ({
  status: "cancelled",
  reason,
  complete: false,
});
