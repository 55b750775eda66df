import type { ServerResponse } from "node:http";
import type { ExecutionEvent } from "../kernels/event.js";
import { stringifyEvent } from "./event-json.js";
import { openResponseStream, type ResponseStream } from "./response-stream.js";

/** Headers of an event stream: nothing between us and the client may hold it back, store or compress it. */
export const EVENT_STREAM_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/** One frame (HTML Standard, "Server-sent events"). JSON has no raw line breaks, so the data is a single line. */
export function eventFrame(event: ExecutionEvent): string {
  return `id: ${event.n}\nevent: ${event.type}\ndata: ${stringifyEvent(event)}\n\n`;
}

export function openEventStream(
  response: ServerResponse,
  headers: Record<string, string | number | string[]>,
): ResponseStream {
  const stream = openResponseStream(response, {
    headers: { ...headers, ...EVENT_STREAM_HEADERS },
    heartbeat: ": awake\n\n",
  });
  return stream;
}

/**
 * Sends events until the terminal one, and ends the response in the same tick as it. Returns whether it got that far:
 * when the client leaves first, it returns `false`.
 */
export async function sendEvents(
  stream: ResponseStream,
  events: AsyncIterable<ExecutionEvent>,
): Promise<boolean> {
  try {
    for await (const event of events) {
      const frame = eventFrame(event);
      if (event.type === "execution_finished") {
        stream.end(frame);
        return true;
      }
      await stream.write(frame);
    }
    return true;
  } catch (error) {
    if (stream.signal.aborted) return false;
    throw error;
  } finally {
    stream.end();
  }
}
