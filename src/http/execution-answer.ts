import type { FastifyReply, FastifyRequest } from "fastify";
import { HotcellError } from "../errors.js";
import type { CharacterBudget } from "../kernels/character-budget.js";
import { isTerminalEvent } from "../kernels/event.js";
import { Gathering } from "../kernels/gathering.js";
import type { ExecutionRequest } from "../sessions/execution-request.js";
import type { Execution } from "../sessions/execution.js";
import { executionResultJson } from "../streaming/execution-result.js";
import { openResponseStream, type ResponseStream } from "../streaming/response-stream.js";
import { answerEvents, logBreak } from "./event-answer.js";
import { headersOf } from "./hijacked-headers.js";

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

/** How an execution is answered. */
export interface ExecutionAnswerOptions {
  onDisconnect?: "continue" | "cancel" | undefined;
  /** As in `ResponseStreamOptions`. */
  stallMs?: number | undefined;
  /** What all gathered answers share. */
  budget?: CharacterBudget | undefined;
}

/** Streams an execution's events, from the beginning or after a number. */
export async function streamExecution(
  request: FastifyRequest,
  reply: FastifyReply,
  execution: Execution,
  options: ExecutionAnswerOptions & { after?: number | undefined },
): Promise<void> {
  const gone = await answerEvents(request, reply, {
    events: (signal) => execution.events({ after: options.after, signal }),
    isLast: isTerminalEvent,
    stallMs: options.stallMs,
  });
  await cancelIfGone(request, gone, execution, options.onDisconnect);
}

function openGathered(
  request: FastifyRequest,
  reply: FastifyReply,
  stallMs: number | undefined,
): ResponseStream {
  reply.hijack();
  return openResponseStream(reply.raw, {
    headers: { ...headersOf(reply), "content-type": "application/json; charset=utf-8" },
    heartbeat: "\n",
    stallMs,
    onStall: () => request.log.info("a client that took nothing was let go"),
  });
}

/** Answers with what was gathered of an execution so far, at the client's pace. */
export async function sendGathered(
  request: FastifyRequest,
  reply: FastifyReply,
  execution: Execution,
  { gathering, stallMs }: { gathering: Gathering; stallMs?: number | undefined },
): Promise<void> {
  const json = executionResultJson(execution, gathering.result());
  const stream = openGathered(request, reply, stallMs);
  await stream.end(json).catch(() => undefined);
}

async function gatherExecution(
  request: FastifyRequest,
  reply: FastifyReply,
  execution: Execution,
  { onDisconnect, stallMs, budget }: ExecutionAnswerOptions,
): Promise<void> {
  const stream = openGathered(request, reply, stallMs);
  const gathering = new Gathering({ budget });
  try {
    for await (const event of execution.events({ signal: stream.signal })) gathering.add(event);
    await stream.end(executionResultJson(execution, gathering.result()));
  } catch (error) {
    if (!stream.signal.aborted) {
      logBreak(request, error);
      reply.raw.destroy();
    }
  } finally {
    gathering.close();
  }
  await cancelIfGone(request, stream.signal, execution, onDisconnect);
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
  body: Pick<ExecutionRequest, "on_disconnect">,
  { accept, ...shared }: ExecutionAnswerOptions & { accept: () => Promise<Execution> },
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
  const options = { ...shared, onDisconnect: body.on_disconnect };
  if (kind === "events") await streamExecution(request, reply, execution, options);
  else await gatherExecution(request, reply, execution, options);
  return reply;
}
