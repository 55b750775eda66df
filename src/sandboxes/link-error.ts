/**
 * What can go wrong between the gateway and a sandbox:
 * - `sandbox_unreachable`: no connection, it broke before the answer was whole, or the gateway closed the link;
 * - `sandbox_unresponsive`: connected, but nothing came before the deadline, or too many calls wait already;
 * - `sandbox_protocol_violation`: the sandbox said what an honest kerneld never says.
 */
export type LinkErrorCode =
  "sandbox_unreachable" | "sandbox_unresponsive" | "sandbox_protocol_violation";

/** A call that got no valid answer out of a sandbox. Its message never holds a sandbox's text. */
export class LinkError extends Error {
  override readonly name = "LinkError";
  readonly code: LinkErrorCode;
  /** True when the connection broke before any byte of an answer: an idempotent call may be sent again. */
  readonly beforeAnswer: boolean;

  constructor(
    code: LinkErrorCode,
    message: string,
    options: { cause?: unknown; beforeAnswer?: boolean } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.beforeAnswer = options.beforeAnswer ?? false;
  }
}

/** Shorthand for the error that names a sandbox's breach of the protocol. */
export function violation(message: string, cause?: unknown): LinkError {
  return new LinkError("sandbox_protocol_violation", message, { cause });
}

/** Whether a call may succeed later: the link broke or stood still, but nobody breached the protocol. */
export function isTransient(error: unknown): boolean {
  return error instanceof LinkError && error.code !== "sandbox_protocol_violation";
}
