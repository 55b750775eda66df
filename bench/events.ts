import { createParser } from "eventsource-parser";
import { type ExecutionEvent, eventSchema, type FinishedEvent } from "../src/kernels/event.js";
import { type Answer, jsonOf } from "./client.js";

/** An event and when its last byte was there, as `performance.now()`. */
export interface ReceivedEvent {
  event: ExecutionEvent;
  at: number;
}

/** The events of an answer: parsed once the clock has stopped, so that this client's work is not measured. */
export function eventsOf(answer: Answer): ReceivedEvent[] {
  if (answer.status !== 200) jsonOf(answer);
  const events: ReceivedEvent[] = [];
  const decoder = new TextDecoder();
  let at = 0;
  const parser = createParser({
    onEvent: ({ data }) => events.push({ event: eventSchema.parse(JSON.parse(data)), at }),
  });
  for (const chunk of answer.chunks) {
    at = chunk.at;
    parser.feed(decoder.decode(chunk.bytes, { stream: true }));
  }
  return events;
}

/** What was written to standard output. */
export function standardOutput(events: readonly ReceivedEvent[]): string {
  return events
    .map(({ event }) => (event.type === "stream" && event.name === "stdout" ? event.text : ""))
    .join("");
}

/** The last event, which must be that of an execution that went well. */
export function finishedOf(events: readonly ReceivedEvent[]): FinishedEvent {
  const last = events.at(-1)?.event;
  if (last?.type !== "execution_finished" || last.status !== "ok") {
    throw new Error(`the execution did not end well: ${JSON.stringify(last)}`);
  }
  return last;
}
