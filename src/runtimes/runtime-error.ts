/**
 * What can go wrong in a runtime, as stable codes.
 *
 * - `runtime_unavailable`: the engine does not answer; nothing can be made, listed or ended.
 * - `link_unavailable`: sandboxes can be made here, but cannot dial a socket of this host.
 * - `image_missing`: the engine does not have the image.
 * - `limit_not_enforceable`: a limit that was asked for cannot be enforced, or the limits do not fit together.
 * - `isolation_unavailable`: the isolation tier that was asked for is not configured here.
 * - `sandbox_start_failed`: the engine refused to make or start the sandbox, or its first process failed.
 * - `sandbox_stop_failed`: the engine refused to remove the sandbox.
 * - `sandbox_exists`: a sandbox with this id is there already.
 * - `sandbox_not_found`: there is no running sandbox with this id.
 * - `invalid_specification`: the caller's mistake: a malformed id, a relative or too long path.
 */
export type RuntimeErrorCode =
  | "runtime_unavailable"
  | "link_unavailable"
  | "image_missing"
  | "limit_not_enforceable"
  | "isolation_unavailable"
  | "sandbox_start_failed"
  | "sandbox_stop_failed"
  | "sandbox_exists"
  | "sandbox_not_found"
  | "invalid_specification";

/** A failure of a runtime. The message tells the operator what happened and what to do about it. */
export class RuntimeError extends Error {
  override readonly name = "RuntimeError";

  constructor(
    readonly code: RuntimeErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
