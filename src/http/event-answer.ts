import type { FastifyReply, FastifyRequest } from "fastify";
import { openEventStream, sendEvents, type StreamEvent } from "../streaming/server-sent-events.js";
import { headersOf } from "./hijacked-headers.js";
import { toHotcellError } from "./problem.js";

export interface EventAnswer<Event extends StreamEvent> {
  /** The events to send. The signal aborts when the client leaves, or is let go because it takes nothing. */
  events: (gone: AbortSignal) => AsyncIterable<Event>;
  /** Whether an event is the last one, with which the answer ends. */
  isLast: (event: Event) => boolean;
  /** As in `ResponseStreamOptions`. */
  stallMs: number | undefined;
}

/**
 * Answers with a stream of events. When the events fail, the answer ends with a comment that names the problem: the
 * client comes back and gets it as an answer, where it persists.
 * @returns the signal that aborts when the client left before the last event
 */
export async function answerEvents<Event extends StreamEvent>(
  request: FastifyRequest,
  reply: FastifyReply,
  { events, isLast, stallMs }: EventAnswer<Event>,
): Promise<AbortSignal> {
  reply.hijack();
  const stream = openEventStream(reply.raw, {
    headers: headersOf(reply),
    stallMs,
    onStall: () => request.log.info("a client that took nothing was let go"),
  });
  try {
    await sendEvents(stream, events(stream.signal), isLast);
  } catch (error) {
    const code = logBreak(request, error);
    await stream.end(`: problem ${code}\n\n`);
  }
  return stream.signal;
}

/** Logs why an answer that had begun broke off, as an error where it is the gateway's own; returns the code. */
export function logBreak(request: FastifyRequest, error: unknown): string {
  const { code, detail } = toHotcellError(error);
  if (code === "internal_error") request.log.error({ err: error }, "an answer failed");
  else request.log.info({ code, detail }, "an answer broke off");
  return code;
}
