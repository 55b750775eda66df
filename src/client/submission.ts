import { HotcellError } from "./error.js";
import type { CallOptions } from "./options.js";
import type { Patience } from "./patience.js";
import { START_CALL_MS, type Transport } from "./transport.js";

export type MediaType = "application/json" | "text/event-stream";

/** A request to execute. */
export interface Submission {
  path: string;
  body: object;
  /**
   * The request that finds the execution again where the first broke unanswered; where it is another, it makes nothing
   * that the first would have made.
   */
  again: { path: string; body: object };
}

/** Whether the gateway, or the way to it, is away: it may come back. */
export function isAway(error: unknown): error is HotcellError {
  return error instanceof HotcellError && error.code === "gateway_unreachable";
}

/** Whether asking again may help, where asking changes nothing. */
export function isTransient(error: unknown): error is HotcellError {
  if (!(error instanceof HotcellError)) return false;
  const { code, status = 0 } = error;
  return isAway(error) || code === "gateway_timeout" || status === 429 || status >= 500;
}

/** Refusals that pass: the gateway is stopping, or its sandbox is dialling again. */
const PASSING = new Set(["shutting_down", "sandbox_unreachable", "sandbox_unresponsive"]);

/** Whether what may be asked twice may be asked again: an id's code finds what it started, an end stays the end. */
export function isPassing(error: unknown): error is HotcellError {
  return isAway(error) || (error instanceof HotcellError && PASSING.has(error.code));
}

/** Whether a request has certainly done nothing: a gateway that stops has refused it, or nothing listens there. */
export function isUntaken(error: unknown): error is HotcellError {
  if (!(error instanceof HotcellError)) return false;
  const { cause } = error as { cause?: { cause?: { code?: string } } };
  return error.code === "shutting_down" || (isAway(error) && cause?.cause?.code === "ECONNREFUSED");
}

/** Asks until there is an answer, while `mayAgain` says of each failure that asking again may help and does no harm. */
export async function askAgain<Answer>(
  ask: () => Promise<Answer>,
  options: { mayAgain: (error: unknown) => boolean; patience: Patience } & CallOptions,
): Promise<Answer> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!options.mayAgain(error)) throw error;
      await options.patience.pause(error, options.signal);
    }
  }
}

function isGone({ code }: HotcellError): boolean {
  return code === "session_not_found" || code === "session_ended";
}

/**
 * Has code executed, once: where the request breaks before it is answered, or is refused by a gateway that stops or
 * whose sandbox is out of reach for the moment, the same id and body find what it started.
 * A gateway that this client has never spoken with is not waited for.
 * @returns the answer, of the media type; its body is unread
 * @throws HotcellError, the signal's reason
 */
export async function submit(
  gateway: Transport,
  { path, body, again }: Submission,
  options: { accept: MediaType; patience: Patience; signal: AbortSignal | undefined },
): Promise<Response> {
  const { accept, patience, signal } = options;
  const request = { accept, signal, withinMs: START_CALL_MS };
  let broken: HotcellError | undefined;
  for (;;) {
    const { reached } = gateway;
    try {
      const response = await gateway.request("POST", broken === undefined ? path : again.path, {
        ...request,
        body: broken === undefined ? body : again.body,
      });
      if (response.headers.get("content-type")?.startsWith(accept) === true) return response;
      await response.body?.cancel();
      throw new HotcellError(
        "not_a_gateway",
        `What answers at ${gateway.url} is not a Hotcell gateway`,
        { status: response.status },
      );
    } catch (error) {
      if (!isPassing(error)) {
        const lost = broken !== undefined && again.path !== path;
        throw lost && error instanceof HotcellError && isGone(error) ? broken : error;
      }
      if (isAway(error)) {
        if (!reached) throw error;
        broken ??= error;
      }
      await patience.pause(error, signal);
    }
  }
}
