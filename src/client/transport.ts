import { bytesOf, textOf } from "./chunks.js";
import { HotcellError } from "./error.js";
import type { FileData } from "./files.js";
import type { CallOptions, HotcellOptions, RetryOptions } from "./options.js";
import { refusalOf } from "./refusal.js";

/** Longest that the gateway may take to answer what it answers at once, in milliseconds. */
const SHORT_CALL_MS = 20_000;

/** Longest for what may have to start a sandbox or an interpreter first; the gateway bounds those itself. */
export const START_CALL_MS = 300_000;

/** Largest answer that is taken as JSON: what an execution says is bounded by the gateway, below this. */
const LARGEST_ANSWER_BYTES = 256 * 1024 * 1024;

export interface RequestOptions extends CallOptions {
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is. */
  data?: FileData | undefined;
  accept?: string | undefined;
  /** How long the head of the answer may take, in milliseconds; `Infinity` where the request's own length decides. */
  withinMs?: number | undefined;
}

/** Whether a JSON value has what an answer must have for this client. */
export type Guard<T> = (value: unknown) => value is T;

/** The way to one gateway. Every method throws HotcellError, or the reason of its signal. */
export interface Transport {
  readonly url: string;
  /** For executions that do not say otherwise. */
  readonly retry: RetryOptions;
  /** Whether the gateway has answered before. */
  readonly reached: boolean;
  /** The answer to a request, which is a success. */
  request(method: string, path: string, options?: RequestOptions): Promise<Response>;
  /** The answer's JSON. */
  json<T>(
    response: Response,
    guard: Guard<T>,
    options?: CallOptions & { silenceMs?: number },
  ): Promise<T>;
  /** The answer's bytes, at most `limit`. */
  bytes(response: Response, limit: number, options?: CallOptions): Promise<Uint8Array<ArrayBuffer>>;
}

type Environment = Record<string, string | undefined>;

function environment(): Environment {
  return (globalThis as { process?: { env?: Environment } }).process?.env ?? {};
}

function addressOf(given: string | undefined, env: Environment): string {
  const { location } = globalThis as { location?: { origin?: string } };
  const page = location?.origin?.startsWith("http") === true ? location.origin : undefined;
  const text = given ?? env["HOTCELL_URL"] ?? page ?? "http://127.0.0.1:8788";
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new TypeError("The gateway's url is an address like http://127.0.0.1:8788");
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new TypeError("The gateway's url is an address only: give the key as key");
  }
  return url.href.replace(/\/+$/, "");
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (!(cause instanceof Error)) return String(cause);
  const { code } = cause as { code?: string };
  switch (code) {
    case "ECONNREFUSED":
      return "nothing listens there";
    case "ENOTFOUND":
      return "there is no such host";
    case undefined:
      return cause.message;
    default:
      return code;
  }
}

/** @throws TypeError for an address or a key that cannot be one */
export function createTransport(options: HotcellOptions): Transport {
  const env = environment();
  const url = addressOf(options.url, env);
  const key = options.key ?? env["HOTCELL_API_KEY"] ?? "";
  if (!/^[\x21-\x7e]*$/.test(key)) {
    throw new TypeError("The gateway's key has characters that no key has");
  }
  const send = options.fetch ?? ((...request) => globalThis.fetch(...request));
  let reached = false;

  const request: Transport["request"] = async (method, path, asked = {}) => {
    const { signal, withinMs = SHORT_CALL_MS } = asked;
    signal?.throwIfAborted();
    const body = asked.body === undefined ? asked.data : JSON.stringify(asked.body);
    const type = asked.body === undefined ? "application/octet-stream" : "application/json";
    const late = new AbortController();
    const timer = Number.isFinite(withinMs) ? setTimeout(() => late.abort(), withinMs) : undefined;
    try {
      const response = await send(url + path, {
        method,
        // Seen here, and refused: a redirect would take the key elsewhere.
        redirect: "manual",
        headers: {
          ...(key === "" ? {} : { authorization: `Bearer ${key}` }),
          accept: asked.accept ?? "application/json",
          ...(body === undefined ? {} : { "content-type": type }),
        },
        ...(body === undefined ? {} : { body }),
        ...(body instanceof ReadableStream ? { duplex: "half" as const } : {}),
        signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
      });
      if (!response.ok) throw await refusalOf(response, url);
      reached = true;
      return response;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof HotcellError) {
        reached ||= error.requestId !== undefined;
        throw error;
      }
      if (late.signal.aborted) {
        const seconds = Math.round(withinMs / 1000);
        throw new HotcellError(
          "gateway_timeout",
          `The gateway at ${url} has not answered within ${seconds} s`,
        );
      }
      throw new HotcellError(
        "gateway_unreachable",
        `The gateway at ${url} does not answer: ${reasonOf(error)}`,
        { cause: error },
      );
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    url,
    retry: options.retry ?? {},
    get reached() {
      return reached;
    },
    request,
    json: async (response, guard, { signal, silenceMs = SHORT_CALL_MS } = {}) => {
      const text = await textOf(response, LARGEST_ANSWER_BYTES, { silenceMs, signal });
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        value = undefined;
      }
      if (guard(value)) return value;
      throw new HotcellError("not_a_gateway", `What answers at ${url} is not a Hotcell gateway`, {
        status: response.status,
      });
    },
    bytes: (response, limit, { signal } = {}) =>
      bytesOf(response, limit, { silenceMs: SHORT_CALL_MS, signal }),
  };
}
