import type { FeedEnd } from "../sandboxes/sandbox-feed.js";

/** How runs end that the end of their session cuts off, by the reason of that end. */
const RUN_STATUS = {
  session_deleted: "cancelled",
  idle: "cancelled",
  ttl: "cancelled",
  gateway_stopped: "cancelled",
  start_failed: "kernel_died",
  oom: "kernel_died",
  sandbox_lost: "kernel_died",
  protocol_violation: "kernel_died",
  sandbox_unresponsive: "kernel_died",
  execution_overdue: "kernel_died",
  /** The user side's first process is dead or stopped: nothing can be started any more. */
  zygote_lost: "kernel_died",
  /** No gateway was there for an hour. */
  abandoned: "kernel_died",
} as const satisfies Record<string, "cancelled" | "kernel_died">;

/** Why a session ended, or is ending. */
export type EndReason = keyof typeof RUN_STATUS;

export const END_REASONS = Object.keys(RUN_STATUS) as EndReason[];

/** The reason that is called so, if one is. */
export function endReason(name: string | null): EndReason | undefined {
  return END_REASONS.find((reason) => reason === name);
}

/** kerneld's own exit statuses (`daemon.py`). */
const EXIT_REASONS: Readonly<Record<number, EndReason>> = { 70: "zygote_lost", 75: "abandoned" };

/** Why a session ends whose sandbox has exited. User code that has become kerneld could choose the status: it is a hint. */
export function exitReason(exit: { exitCode: number | null; oom: boolean }): EndReason {
  return exit.oom ? "oom" : (EXIT_REASONS[exit.exitCode ?? 0] ?? "sandbox_lost");
}

/** How runs end that a session's end cuts off. */
export function runEnd(reason: EndReason): FeedEnd {
  const expired = reason === "idle" || reason === "ttl";
  return { status: RUN_STATUS[reason], reason: expired ? "session_expired" : reason };
}
