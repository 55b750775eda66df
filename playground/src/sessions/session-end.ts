import { HotcellError } from "../../../src/client/index.js";

/** Why a session is over, as a sentence. `reason` is the gateway's word for it. */
export function sessionEndWords(reason: string | undefined): string {
  switch (reason) {
    case undefined:
      return "The session has ended.";
    case "idle":
      return "The session ended because it was unused.";
    case "ttl":
      return "The session ended: its lifetime was over.";
    case "oom":
      return "The session ended: it used more memory than it may.";
    case "session_deleted":
      return "The session was ended.";
    case "gateway_stopped":
      return "The session ended with the gateway that had it.";
    case "abandoned":
      return "The session ended: no gateway was there for an hour.";
    case "protocol_violation":
    case "sandbox_lost":
    case "zygote_lost":
    case "sandbox_unresponsive":
    case "execution_overdue":
      return "The session ended: its sandbox stopped answering.";
    default:
      return `The session has ended (${reason}).`;
  }
}

/** The same of the gateway's refusal to answer for a session that is over. */
export function refusalWords(error: HotcellError): string {
  if (error.code === "session_not_found")
    return "The session is not there any more: it ended a while ago, or its gateway was started anew.";
  return sessionEndWords(/: (\w+)$/.exec(error.detail)?.[1]);
}

/** Whether a call was refused because its session is over. */
export function isOver(error: unknown): error is HotcellError {
  return (
    error instanceof HotcellError && ["session_ended", "session_not_found"].includes(error.code)
  );
}
