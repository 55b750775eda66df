import { HotcellError, isErrorCode } from "../errors.js";
import { RuntimeError, type RuntimeErrorCode } from "../runtimes/runtime-error.js";
import { KerneldError } from "../sandboxes/kerneld-error.js";
import { LinkError } from "../sandboxes/link-error.js";

const RUNTIME_CODES: Partial<Record<RuntimeErrorCode, HotcellError["code"]>> = {
  runtime_unavailable: "runtime_unavailable",
  limit_not_enforceable: "limit_not_enforceable",
  isolation_unavailable: "isolation_unavailable",
};

/**
 * What a client is told about a failure below the sessions. Errors of the gateway's own making pass unchanged, so that
 * they are logged as such.
 */
export function clientError(error: unknown): unknown {
  if (error instanceof KerneldError) {
    if (error.code === "internal_error" || !isErrorCode(error.code)) {
      return new HotcellError(
        "sandbox_protocol_violation",
        "The sandbox could not do what it was asked",
        {
          cause: error,
        },
      );
    }
    return new HotcellError(error.code, error.detail, { cause: error });
  }
  if (error instanceof LinkError) {
    return new HotcellError(error.code, error.message, { cause: error });
  }
  if (error instanceof RuntimeError) {
    return new HotcellError(RUNTIME_CODES[error.code] ?? "session_start_failed", error.message, {
      cause: error,
    });
  }
  return error;
}

/** Runs `work` and throws what a client may be told of its failure. */
export async function forClient<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw clientError(error);
  }
}
