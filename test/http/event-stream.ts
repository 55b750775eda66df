import { EventSourceParserStream } from "eventsource-parser/stream";
import type { ExecutionEvent } from "../../src/kernels/event.js";
import type { SessionEvent } from "../../src/kernels/session-event.js";

/** The events of an SSE response, as they come. */
export async function* readEvents<Event extends ExecutionEvent | SessionEvent = ExecutionEvent>(
  response: Response,
): AsyncGenerator<Event, void, undefined> {
  if (!response.body) throw new Error("the response has no body");
  const stream = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  for await (const message of stream) {
    const event = JSON.parse(message.data) as Event;
    if (message.event !== event.type || message.id !== String(event.n)) {
      throw new Error(`the frame ${message.id ?? ""} ${message.event ?? ""} does not fit its data`);
    }
    yield event;
  }
}

export async function allEvents(response: Response): Promise<ExecutionEvent[]> {
  const events: ExecutionEvent[] = [];
  for await (const event of readEvents(response)) events.push(event);
  return events;
}
