import type { ErrorCode, FieldError } from "../errors.js";

/** What keeps a call from being answered by a gateway at all, or leaves its answer of no use. */
export type ConnectionErrorCode =
  /** Nothing answers at the address, or the connection broke and could not be made again. */
  | "gateway_unreachable"
  /** A call that is answered at once was not answered in time. */
  | "gateway_timeout"
  /** What answers is not a Hotcell gateway. */
  | "not_a_gateway"
  /** An answer of the gateway makes no sense to this client. */
  | "answer_invalid"
  /** An answer is larger than this client takes into memory. */
  | "answer_too_large";

/** The API's stable codes, those of the client itself, and those that newer gateways may have. */
export type HotcellErrorCode = ErrorCode | ConnectionErrorCode | (string & {});

export interface HotcellErrorOptions {
  /** The HTTP status; absent where there was no answer. */
  status?: number | undefined;
  /** Which fields of the request were bad. */
  errors?: readonly FieldError[] | undefined;
  /** The request's id in the gateway's log. */
  requestId?: string | undefined;
  cause?: unknown;
}

/**
 * The gateway refused a call, or could not be spoken with. Code that fails is no error of this kind: it is a result, or
 * an event.
 */
export class HotcellError extends Error {
  override readonly name = "HotcellError";
  /** HTTP status of the refusal; `undefined` where there was no answer. */
  readonly status: number | undefined;
  /** Bad fields of the request, each with its path. */
  readonly errors: readonly FieldError[];
  /** The request's id in the gateway's log. */
  readonly requestId: string | undefined;

  constructor(
    /** What went wrong, to branch on. */
    readonly code: HotcellErrorCode,
    /** What went wrong, for people; the same as `message`. */
    readonly detail: string,
    options: HotcellErrorOptions = {},
  ) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = options.status;
    this.errors = options.errors ?? [];
    this.requestId = options.requestId;
  }
}
