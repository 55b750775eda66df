import type { z } from "zod";

import { within } from "./deadline.js";
import type { Answer, Exchange } from "./exchange.js";
import { type Reply, gather } from "./gather.js";
import { MAX_JSON_BYTES, parseJson } from "./json.js";
import { kerneldErrorSchema } from "./kerneld-error.js";
import { type LinkError, violation } from "./link-error.js";
import type { SandboxLink } from "./link.js";

/** Calls that kerneld answers from memory. */
const SMALL_CALL_WITHIN_MS = 15_000;
/** Run ids, MIME types and code travel in one body; an honest request never comes near this. */
const MAX_REQUEST_BYTES = 9 * MAX_JSON_BYTES;

/** What every call to a sandbox takes. */
export interface CallOptions {
  /** Ends the call with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Total deadline in milliseconds, in place of the call's own. */
  withinMs?: number | undefined;
}

/** A call whose answer is small. */
export interface Call extends CallOptions {
  method: Exchange["method"];
  path: string;
  body?: unknown;
  /** `control` for what must get through whatever the sandbox is busy with; `spare` when absent. */
  over?: "control" | "spare";
  /** Whether the call may be sent again when its connection broke before an answer. */
  idempotent: boolean;
}

/**
 * Makes a call and validates its answer.
 * @throws LinkError when there was no valid answer; KerneldError when kerneld refused; the signal's reason
 */
export async function callFor<Schema extends z.ZodType>(
  link: SandboxLink,
  schema: Schema,
  call: Call,
): Promise<z.output<Schema>> {
  const reply = await send(link, call);
  if (reply.status >= 300) throw refusal(reply);
  return valid(link, schema, parseReply(link, reply));
}

/** A call that is answered without content. Errors as {@link callFor}. */
export async function callForNothing(link: SandboxLink, call: Call): Promise<void> {
  const reply = await send(link, call);
  if (reply.status >= 300) throw refusal(reply);
}

/** Reads an answer that is a refusal, and returns the error to throw. */
export async function refused(answer: Answer): Promise<Error> {
  return refusal(await gather(answer));
}

/** A violation that the link's owner is told of, and that the caller throws. */
export function breach(link: SandboxLink, message: string, cause?: unknown): LinkError {
  const error = violation(message, cause);
  link.events.emit("violation", error);
  return error;
}

/** The path and the query of a call, percent-encoded; absent values are left out. */
export function withQuery(
  path: string,
  query: Record<string, string | number | undefined>,
): string {
  const pairs = Object.entries(query)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value).toWellFormed())}`);
  return pairs.length === 0 ? path : `${path}?${pairs.join("&")}`;
}

async function send(link: SandboxLink, call: Call): Promise<Reply> {
  const body = call.body === undefined ? undefined : JSON.stringify(call.body);
  if (body !== undefined && Buffer.byteLength(body) > MAX_REQUEST_BYTES) {
    throw new RangeError("a request to a sandbox may have 9 MiB");
  }
  const { method, path, idempotent } = call;
  const withinMs = call.withinMs ?? SMALL_CALL_WITHIN_MS;
  if (call.over === "control") {
    return link.control({ method, path, body, idempotent, withinMs, signal: call.signal });
  }
  return within(withinMs, call.signal, async (signal) =>
    gather(
      await link.request({ method, path, body, idempotent, answerWithinMs: withinMs, signal }),
    ),
  );
}

function parseReply(link: SandboxLink, reply: Reply): unknown {
  try {
    return parseJson(reply.bytes);
  } catch (error) {
    throw breach(link, "an answer that is not the JSON it should be", error);
  }
}

function valid<Schema extends z.ZodType>(
  link: SandboxLink,
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (!result.success) throw breach(link, "an answer that kerneld never gives", result.error);
  return result.data;
}

function refusal(reply: Reply): Error {
  try {
    return kerneldErrorSchema.parse(parseJson(reply.bytes));
  } catch (error) {
    return violation(`an error ${reply.status} without a code`, error);
  }
}
