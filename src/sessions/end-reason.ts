import type { FeedEnd } from "../sandboxes/sandbox-feed.js";

/** Why a session ended, or is ending. */
export type EndReason =
  | "session_deleted"
  | "idle"
  | "ttl"
  | "start_failed"
  | "oom"
  | "sandbox_lost"
  | "protocol_violation"
  | "sandbox_unresponsive"
  | "execution_overdue"
  | "gateway_stopped";

const RUN_STATUS: Record<EndReason, "cancelled" | "kernel_died"> = {
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
};

/** How runs end that a session's end cuts off. */
export function runEnd(reason: EndReason): FeedEnd {
  const expired = reason === "idle" || reason === "ttl";
  return { status: RUN_STATUS[reason], reason: expired ? "session_expired" : reason };
}
