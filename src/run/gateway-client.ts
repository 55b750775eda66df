import { EventSourceParserStream } from "eventsource-parser/stream";
import { z } from "zod";
import { type ExecutionEvent, eventSchema, isTerminalEvent } from "../kernels/event.js";
import type { ExecutionRequest } from "../sessions/execution-request.js";
import type { SessionOptions } from "../sessions/session-options.js";
import { sessionViewSchema } from "../sessions/session-view.js";

/** What of a problem document (RFC 9457) is told to people. */
const problemSchema = z.object({ detail: z.string(), code: z.string() });

const sessionSchema = sessionViewSchema
  .pick({ id: true, image: true, runtime: true })
  .extend({ isolation: z.object({ tier: z.string() }) });

export type RunSession = z.output<typeof sessionSchema>;

/** Longest that a call may take that only ends or asks something, in milliseconds. */
const SHORT_CALL_MS = 20_000;

/** Largest value that is fetched on its own. */
const LARGEST_ARTIFACT_BYTES = 256 * 1024 * 1024;

/** Longest line of an event stream, in characters: events are bounded by the gateway, far below this. */
const LONGEST_FRAME = 64 * 1024 * 1024;

/** The gateway said no, or could not be spoken with: nothing ran, or its end is not known. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";

  constructor(
    message: string,
    /** The problem's stable code; `undefined` when there was no answer to speak of. */
    readonly code?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** An execution that the gateway has accepted. */
export interface AcceptedExecution {
  /** Its events to the terminal one. Throws GatewayError when they end before. */
  events(): AsyncGenerator<ExecutionEvent, void, undefined>;
}

/** The calls of the API that running code needs. Each throws GatewayError, or the reason of the signal. */
export interface GatewayClient {
  /** The live session with this id. */
  findSession(id: string, signal: AbortSignal): Promise<RunSession | undefined>;
  /** Makes a session: with this id, or one of the gateway's making. */
  makeSession(
    id: string | undefined,
    options: SessionOptions,
    signal: AbortSignal,
  ): Promise<RunSession>;
  /** Ends a session; one that is not there is fine. */
  endSession(id: string): Promise<void>;
  execute(
    session: string,
    request: ExecutionRequest,
    signal: AbortSignal,
  ): Promise<AcceptedExecution>;
  /** Executes, and resolves on acceptance with the way to the gathered answer, as JSON. */
  gather(
    session: string,
    request: ExecutionRequest,
    signal: AbortSignal,
  ): Promise<{ json(): Promise<string> }>;
  interrupt(session: string, execution: string): Promise<void>;
  input(session: string, execution: string, value: string): Promise<void>;
  /** The bytes behind an event's link. */
  artifact(href: string, signal: AbortSignal): Promise<Buffer>;
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (!(cause instanceof Error)) return String(cause);
  return (cause as NodeJS.ErrnoException).code ?? cause.message;
}

async function refusalOf(response: Response): Promise<GatewayError> {
  const text = await response.text().catch(() => "");
  try {
    const { detail, code } = problemSchema.parse(JSON.parse(text));
    return new GatewayError(detail, code);
  } catch {
    return new GatewayError(`The gateway answered with status ${response.status}`);
  }
}

/** A client of one gateway. */
export function gatewayClient(base: string, key: string): GatewayClient {
  const lost = (error: unknown, signal?: AbortSignal): unknown => {
    if (signal?.aborted === true) return signal.reason;
    return error instanceof GatewayError
      ? error
      : new GatewayError(`The gateway at ${base} does not answer: ${reasonOf(error)}`, undefined, {
          cause: error,
        });
  };

  const call = async (
    method: string,
    path: string,
    options: { body?: unknown; accept?: string; signal: AbortSignal },
  ): Promise<Response> => {
    let response: Response;
    try {
      response = await fetch(base + path, {
        method,
        redirect: "error",
        headers: {
          authorization: `Bearer ${key}`,
          accept: options.accept ?? "application/json",
          ...(options.body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
        signal: options.signal,
      });
    } catch (error) {
      throw lost(error, options.signal);
    }
    if (!response.ok) throw await refusalOf(response);
    return response;
  };

  const session = async (response: Response): Promise<RunSession> => {
    const parsed = sessionSchema.safeParse(await response.json().catch(() => undefined));
    if (parsed.success) return parsed.data;
    throw new GatewayError(`What answers at ${base} is not a Hotcell gateway`);
  };

  const short = (): AbortSignal => AbortSignal.timeout(SHORT_CALL_MS);
  const sessionPath = (id: string): string => `/v1/sessions/${encodeURIComponent(id)}`;
  const executionPath = (id: string, execution: string): string =>
    `${sessionPath(id)}/executions/${encodeURIComponent(execution)}`;

  async function* eventsOf(
    response: Response,
    signal: AbortSignal,
  ): AsyncGenerator<ExecutionEvent, void, undefined> {
    try {
      const frames = response.body
        ?.pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream({ maxBufferSize: LONGEST_FRAME }));
      for await (const { data } of frames ?? []) {
        const parsed = eventSchema.safeParse(JSON.parse(data));
        // A newer gateway may have types that are not known here.
        if (!parsed.success) continue;
        yield parsed.data;
        if (isTerminalEvent(parsed.data)) return;
      }
    } catch (error) {
      throw lost(error, signal);
    }
    throw new GatewayError("The connection to the gateway ended before the execution did");
  }

  return {
    findSession: async (id, signal) => {
      try {
        return await session(await call("GET", sessionPath(id), { signal }));
      } catch (error) {
        const { code } = error as Partial<GatewayError>;
        if (code === "session_not_found" || code === "session_ended") return undefined;
        throw error;
      }
    },
    makeSession: async (id, options, signal) =>
      session(
        await call(
          id === undefined ? "POST" : "PUT",
          id === undefined ? "/v1/sessions" : sessionPath(id),
          {
            body: options,
            signal,
          },
        ),
      ),
    endSession: async (id) => {
      try {
        await call("DELETE", sessionPath(id), { signal: short() });
      } catch (error) {
        const { code } = error as Partial<GatewayError>;
        if (code !== "session_not_found" && code !== "session_ended") throw error;
      }
    },
    execute: async (id, request, signal) => {
      const response = await call("POST", `${sessionPath(id)}/execute`, {
        body: request,
        accept: "text/event-stream",
        signal,
      });
      return { events: () => eventsOf(response, signal) };
    },
    gather: async (id, request, signal) => {
      const response = await call("POST", `${sessionPath(id)}/execute`, { body: request, signal });
      return {
        json: async () => {
          try {
            return (await response.text()).trim();
          } catch (error) {
            throw lost(error, signal);
          }
        },
      };
    },
    interrupt: async (id, execution) => {
      await call("POST", `${executionPath(id, execution)}/interrupt`, { signal: short() });
    },
    input: async (id, execution, value) => {
      await call("POST", `${executionPath(id, execution)}/input`, {
        body: { value },
        signal: short(),
      });
    },
    artifact: async (href, signal) => {
      if (!href.startsWith("/v1/")) throw new GatewayError("The gateway's link makes no sense");
      const response = await call("GET", href, { accept: "*/*", signal });
      const chunks: Uint8Array[] = [];
      let size = 0;
      try {
        for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
          size += chunk.length;
          if (size > LARGEST_ARTIFACT_BYTES) {
            throw new GatewayError(`It is larger than ${LARGEST_ARTIFACT_BYTES} bytes`);
          }
          chunks.push(chunk);
        }
      } catch (error) {
        throw lost(error, signal);
      }
      return Buffer.concat(chunks);
    },
  };
}
