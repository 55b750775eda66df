import type { FastifyReply, FastifyRequest } from "fastify";
import { HotcellError } from "../errors.js";
import { Gathering } from "../kernels/gathering.js";
import type { ExecutionRequest } from "../sessions/execution-request.js";
import type { Execution } from "../sessions/execution.js";
import { executionResultJson } from "../streaming/execution-result.js";
import { openResponseStream } from "../streaming/response-stream.js";
import { openEventStream, sendEvents } from "../streaming/server-sent-events.js";

type Representation = "json" | "events";

/** What `Accept` asks for, by its order of preference; JSON where it does not say. */
export function representation(accept: string | undefined): Representation {
  if (accept === undefined || accept.trim() === "") return "json";
  let best: { kind: Representation; quality: number } | undefined;
  for (const entry of accept.split(",")) {
    const [type = "", ...parameters] = entry.split(";").map((part) => part.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    const quality = q === undefined ? 1 : Number(q);
    const kind: Representation | undefined =
      type === "text/event-stream"
        ? "events"
        : ["application/json", "application/*", "*/*"].includes(type)
          ? "json"
          : undefined;
    if (kind === undefined || !(quality > 0)) continue;
    if (best === undefined || quality > best.quality) best = { kind, quality };
  }
  if (!best) {
    throw new HotcellError(
      "not_acceptable",
      "application/json and text/event-stream can be served",
    );
  }
  return best.kind;
}

/** The headers that hooks have set so far: a hijacked reply does not send them by itself. */
function headersOf(reply: FastifyReply): Record<string, string | number | string[]> {
  return Object.fromEntries(
    Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined),
  ) as Record<string, string | number | string[]>;
}

/** Streams an execution's events, from the beginning or after a number. */
export async function streamExecution(
  request: FastifyRequest,
  reply: FastifyReply,
  execution: Execution,
  options: { after?: number | undefined; onDisconnect?: "continue" | "cancel" | undefined },
): Promise<void> {
  reply.hijack();
  const stream = openEventStream(reply.raw, headersOf(reply));
  try {
    await sendEvents(stream, execution.events({ after: options.after, signal: stream.signal }));
  } catch (error) {
    broken(request, error);
    reply.raw.destroy();
  } finally {
    await cancelIfGone(request, stream.signal, execution, options.onDisconnect);
  }
}

async function gatherExecution(
  request: FastifyRequest,
  reply: FastifyReply,
  execution: Execution,
  onDisconnect: "continue" | "cancel" | undefined,
): Promise<void> {
  reply.hijack();
  const stream = openResponseStream(reply.raw, {
    headers: { ...headersOf(reply), "content-type": "application/json; charset=utf-8" },
    heartbeat: "\n",
  });
  try {
    const gathering = new Gathering();
    for await (const event of execution.events({ signal: stream.signal })) gathering.add(event);
    stream.end(executionResultJson(execution, gathering.result()));
  } catch (error) {
    if (!stream.signal.aborted) {
      broken(request, error);
      reply.raw.destroy();
    }
  } finally {
    await cancelIfGone(request, stream.signal, execution, onDisconnect);
  }
}

/** An answer that has begun is broken off, so that its client comes back for the rest. */
function broken(request: FastifyRequest, error: unknown): void {
  const stopping = error instanceof HotcellError && error.code === "shutting_down";
  request.log[stopping ? "debug" : "error"]({ err: error }, "an answer was broken off");
}

async function cancelIfGone(
  request: FastifyRequest,
  gone: AbortSignal,
  execution: Execution,
  onDisconnect: "continue" | "cancel" | undefined,
): Promise<void> {
  if (!gone.aborted || onDisconnect !== "cancel" || execution.ended) return;
  try {
    await execution.cancel();
  } catch (error) {
    request.log.info({ err: error, execution_id: execution.id }, "nothing left to cancel");
  }
}

/**
 * Answers a request to execute as its headers ask: a stream of events, one gathered result, or 202. `accept` is called
 * once it is known that the answer can be given; what it throws is answered as a problem.
 */
export async function answerExecution(
  request: FastifyRequest,
  reply: FastifyReply,
  body: ExecutionRequest,
  accept: () => Promise<Execution>,
): Promise<FastifyReply> {
  const respondAsync = /\brespond-async\b/i.test(String(request.headers["prefer"] ?? ""));
  const kind = representation(request.headers.accept);
  const execution = await accept();
  if (respondAsync) {
    const view = execution.view();
    return reply
      .code(202)
      .header("location", view.links.self)
      .header("preference-applied", "respond-async")
      .send(view);
  }
  if (kind === "events") {
    await streamExecution(request, reply, execution, { onDisconnect: body.on_disconnect });
  } else {
    await gatherExecution(request, reply, execution, body.on_disconnect);
  }
  return reply;
}
