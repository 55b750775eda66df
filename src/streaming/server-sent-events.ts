import type { ServerResponse } from "node:http";
import type { ExecutionEvent } from "../kernels/event.js";
import type { SessionEvent } from "../kernels/session-event.js";
import { stringifyEvent } from "./event-json.js";
import {
  openResponseStream,
  type ResponseStream,
  type ResponseStreamOptions,
} from "./response-stream.js";

/** What is sent as server-sent events. */
export type StreamEvent = ExecutionEvent | SessionEvent;

/** Headers of an event stream: nothing between us and the client may hold it back, store or compress it. */
export const EVENT_STREAM_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/** One frame (HTML Standard, "Server-sent events"). JSON has no raw line breaks, so the data is a single line. */
export function eventFrame(event: StreamEvent): string {
  return `id: ${event.n}\nevent: ${event.type}\ndata: ${stringifyEvent(event)}\n\n`;
}

export function openEventStream(
  response: ServerResponse,
  options: Pick<ResponseStreamOptions, "headers" | "stallMs" | "onStall">,
): ResponseStream {
  return openResponseStream(response, {
    ...options,
    headers: { ...options.headers, ...EVENT_STREAM_HEADERS },
    heartbeat: ": awake\n\n",
    farewell: ": slow_consumer\n\n",
  });
}

/**
 * Sends events until the last one, and ends the response in the same tick as it. Returns early when the client leaves;
 * throws what the events throw, with the response still open.
 */
export async function sendEvents<Event extends StreamEvent>(
  stream: ResponseStream,
  events: AsyncIterable<Event>,
  isLast: (event: Event) => boolean,
): Promise<void> {
  try {
    for await (const event of events) {
      const frame = eventFrame(event);
      if (isLast(event)) {
        await stream.end(frame);
        return;
      }
      await stream.write(frame);
    }
    await stream.end();
  } catch (error) {
    if (!stream.signal.aborted) throw error;
  }
}
