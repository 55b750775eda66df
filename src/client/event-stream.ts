import { createParser } from "eventsource-parser";
import type { ExecutionEvent } from "../kernels/event.js";
import type { SessionEvent } from "../kernels/session-event.js";
import { type ChunkOptions, chunksOf } from "./chunks.js";
import { HotcellError } from "./error.js";

/** Longest frame that is taken, in characters: events are bounded by the gateway, far below this. */
const LONGEST_FRAME = 64 * 1024 * 1024;

/** An event of any gateway, also a newer one. */
export type NumberedEvent = Pick<ExecutionEvent, "n"> & { type: string };

const KNOWN: Record<ExecutionEvent["type"], true> = {
  queued: true,
  execution_started: true,
  stream: true,
  execute_result: true,
  display_data: true,
  update_display_data: true,
  clear_output: true,
  error: true,
  input_request: true,
  comm_open: true,
  comm_msg: true,
  comm_close: true,
  deadline: true,
  output_truncated: true,
  gap: true,
  execution_finished: true,
};

const KNOWN_IN_SESSIONS: Record<SessionEvent["type"], true> = {
  ...KNOWN,
  following: true,
  kernel_starting: true,
  kernel_ready: true,
  kernel_died: true,
  kernel_removed: true,
  session_ended: true,
};

/** Whether this client knows what the event means: newer gateways may have types that it does not. */
export function isKnown(event: NumberedEvent): event is ExecutionEvent {
  return Object.hasOwn(KNOWN, event.type);
}

/** The same of events on the streams of sessions and kernels. */
export function isKnownSessionEvent(event: NumberedEvent): event is SessionEvent {
  return Object.hasOwn(KNOWN_IN_SESSIONS, event.type);
}

function eventOf(data: string): NumberedEvent {
  try {
    const event = JSON.parse(data) as Partial<NumberedEvent> | null;
    if (typeof event?.type === "string" && Number.isSafeInteger(event.n)) {
      return event as NumberedEvent;
    }
  } catch {
    // As anything else that is no event.
  }
  throw new HotcellError("answer_invalid", "The gateway sent something that is not an event");
}

/**
 * The events of a response, as many at once as came at once; none where only a comment came, which says that the
 * connection lives. A frame that is cut off by the end of the connection is none.
 * @throws HotcellError `answer_invalid`, `answer_too_large`, and what `chunksOf` throws
 */
export async function* eventsOf(
  response: Response,
  options: ChunkOptions,
): AsyncGenerator<NumberedEvent[], void, undefined> {
  let events: NumberedEvent[] = [];
  let comments = 0;
  const decoder = new TextDecoder();
  const parser = createParser({
    maxBufferSize: LONGEST_FRAME,
    onEvent: ({ data }) => events.push(eventOf(data)),
    onComment: () => (comments += 1),
    onError: ({ type }) => {
      if (type === "max-buffer-size-exceeded") throw tooLong();
    },
  });
  for await (const chunk of chunksOf(response, options)) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    if (events.length > 0 || comments > 0) yield events;
    events = [];
    comments = 0;
  }
}

function tooLong(): HotcellError {
  return new HotcellError(
    "answer_too_large",
    `The gateway sent an event of more than ${LONGEST_FRAME} characters`,
  );
}
