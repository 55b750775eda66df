import { z } from "zod";

import { text } from "./untrusted.js";

/** The error codes that kerneld answers with, and the status of each. */
export const KERNELD_ERROR_STATUS = {
  invalid_request: 400,
  permission_denied: 403,
  kernel_not_found: 404,
  execution_not_found: 404,
  file_not_found: 404,
  artifact_not_found: 404,
  not_found: 404,
  not_assigned: 409,
  already_assigned: 409,
  kernel_exists: 409,
  kernel_busy: 409,
  execution_conflict: 409,
  execution_finished: 409,
  generation_mismatch: 409,
  not_waiting_for_input: 409,
  is_directory: 409,
  not_a_directory: 409,
  not_a_regular_file: 409,
  execution_forgotten: 410,
  language_unavailable: 422,
  invalid_path: 422,
  kernel_limit: 422,
  queue_full: 429,
  kernel_start_failed: 500,
  internal_error: 500,
  kernel_timeout: 504,
  disk_full: 507,
} as const;

export type KerneldErrorCode = keyof typeof KERNELD_ERROR_STATUS;

/** kerneld's refusal of a call. `detail` is a sandbox's text: well-formed, at most 2,000 characters, untrusted. */
export class KerneldError extends Error {
  override readonly name = "KerneldError";
  readonly code: KerneldErrorCode;
  readonly detail: string;

  constructor(code: KerneldErrorCode, detail: string) {
    super(`kerneld answered ${code}`);
    this.code = code;
    this.detail = detail;
  }

  /** The status that belongs to the code, whatever status the answer carried. */
  get status(): number {
    return KERNELD_ERROR_STATUS[this.code];
  }
}

/** An error answer's body. A code this gateway does not know counts as `internal_error`. */
export const kerneldErrorSchema = z
  .object({ code: text(64), detail: text(2_000).catch("") })
  .transform(
    ({ code, detail }) => new KerneldError(isErrorCode(code) ? code : "internal_error", detail),
  );

function isErrorCode(code: string): code is KerneldErrorCode {
  return Object.hasOwn(KERNELD_ERROR_STATUS, code);
}
