/**
 * The catalogue of errors. A code is stable: clients may branch on it. HTTP problem documents (RFC 9457) and WebSocket
 * error messages are made from the same entries.
 */
export const ERRORS = {
  invalid_request: { status: 400, title: "The request is not valid" },
  malformed_json: { status: 400, title: "The body is not JSON" },
  unauthenticated: { status: 401, title: "A valid key is needed" },
  host_not_allowed: { status: 403, title: "This host name is not served" },
  origin_not_allowed: { status: 403, title: "Pages from this origin may not call the API" },
  permission_denied: { status: 403, title: "The path may not be reached" },
  not_found: { status: 404, title: "There is nothing at this path" },
  session_not_found: { status: 404, title: "There is no such session" },
  kernel_not_found: { status: 404, title: "There is no such kernel in the session" },
  kernelspec_not_found: { status: 404, title: "There is no such kernelspec" },
  notebook_session_not_found: { status: 404, title: "There is no such Jupyter session" },
  execution_not_found: { status: 404, title: "There is no such execution in the session" },
  artifact_not_found: { status: 404, title: "There is no such artifact" },
  file_not_found: { status: 404, title: "There is no such file" },
  method_not_allowed: { status: 405, title: "The method is not allowed here" },
  not_acceptable: { status: 406, title: "None of the accepted media types can be served" },
  notebook_session_exists: { status: 409, title: "There is a Jupyter session of this id" },
  session_exists: { status: 409, title: "The session exists with other options" },
  kernel_exists: { status: 409, title: "There is a kernel of this id" },
  kernel_busy: { status: 409, title: "The kernel is busy" },
  execution_conflict: { status: 409, title: "The execution id was used for another request" },
  execution_finished: { status: 409, title: "The execution has ended" },
  generation_mismatch: { status: 409, title: "The kernel has been restarted" },
  not_waiting_for_input: { status: 409, title: "The execution is not waiting for input" },
  is_directory: { status: 409, title: "The path is a directory" },
  not_a_directory: { status: 409, title: "A parent of the path is not a directory" },
  not_a_regular_file: { status: 409, title: "The path is not a regular file" },
  notebook_session_gone: { status: 410, title: "The Jupyter session's kernel had ended" },
  session_ended: { status: 410, title: "The session has ended" },
  execution_forgotten: { status: 410, title: "The execution is not kept any more" },
  body_too_large: { status: 413, title: "The body is too large" },
  unsupported_media_type: { status: 415, title: "The media type of the body is not supported" },
  range_not_satisfiable: { status: 416, title: "The range lies outside the file" },
  precondition_failed: { status: 412, title: "The file is not in the state the request asks for" },
  image_not_found: { status: 422, title: "There is no such image" },
  runtime_not_found: { status: 422, title: "There is no such runtime" },
  language_unavailable: { status: 422, title: "The image has no kernel for this language" },
  invalid_path: { status: 422, title: "The path cannot be used" },
  kernel_limit: { status: 422, title: "The session has as many kernels as it may" },
  limit_not_enforceable: { status: 422, title: "A limit cannot be enforced here" },
  isolation_unavailable: { status: 422, title: "The isolation asked for is not available here" },
  session_limit: { status: 429, title: "There are as many sessions as there may be" },
  queue_full: { status: 429, title: "The kernel's queue is full" },
  internal_error: { status: 500, title: "Something went wrong inside the gateway" },
  kernelspec_unavailable: { status: 501, title: "There is no kernel of this name" },
  sandbox_protocol_violation: { status: 502, title: "The sandbox answered nonsense" },
  session_start_failed: { status: 502, title: "The session could not be started" },
  kernel_start_failed: { status: 502, title: "The kernel could not be started" },
  sandbox_busy: { status: 503, title: "The sandbox has as many open calls as it may" },
  sandbox_unreachable: { status: 503, title: "The sandbox cannot be reached" },
  runtime_unavailable: { status: 503, title: "The container engine does not answer" },
  shutting_down: { status: 503, title: "The gateway is stopping" },
  sandbox_unresponsive: { status: 504, title: "The sandbox does not answer" },
  kernel_timeout: { status: 504, title: "The kernel did not answer in time" },
  disk_full: { status: 507, title: "The session's disk is full" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** One bad field of a request: where it stands (`code`, `limits.pids`) and what is wrong with it. */
export interface FieldError {
  path: string;
  message: string;
}

/** An error that a client may see: everything in it is written for the client. */
export class HotcellError extends Error {
  override readonly name = "HotcellError";
  readonly status: number;
  readonly title: string;

  constructor(
    readonly code: ErrorCode,
    readonly detail: string,
    readonly options: { errors?: FieldError[]; cause?: unknown } = {},
  ) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = ERRORS[code].status;
    this.title = ERRORS[code].title;
  }

  get errors(): FieldError[] | undefined {
    return this.options.errors;
  }
}

/** Whether `code` stands in the catalogue: codes that come from elsewhere are checked with this. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
