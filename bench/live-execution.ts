import { createParser } from "eventsource-parser";
import { type ExecutionEvent, eventSchema, type FinishedEvent } from "../src/kernels/event.js";
import { jsonOf } from "./client.js";
import type { Bench } from "./benchmark.js";
import type { Session } from "./session.js";

/** An execution that is watched while it runs. */
export interface LiveExecution {
  readonly id: string;
  /** Its first event of a type; fails when the execution ends without one. */
  first(type: ExecutionEvent["type"]): Promise<ExecutionEvent>;
  /** Its last event, and when that had arrived, as `performance.now()`. */
  finished: Promise<{ event: FinishedEvent; at: number }>;
}

/** Executes code in a session, with its events over SSE. Code may ask for input. */
export function executeLive(
  { client }: Pick<Bench, "client">,
  session: Session,
  id: string,
  code: string,
): LiveExecution {
  const seen: ExecutionEvent[] = [];
  const waiting = new Set<() => void>();
  const decoder = new TextDecoder();
  let last: { event: FinishedEvent; at: number } | undefined;
  let at = 0;
  const parser = createParser({
    onEvent: ({ data }) => {
      const event = eventSchema.parse(JSON.parse(data));
      seen.push(event);
      if (event.type === "execution_finished") last = { event, at };
    },
  });
  const finished = client
    .request("POST", `${session.path}/execute`, {
      body: { code, execution_id: id, stdin: "ask" },
      accept: "text/event-stream",
      onChunk: (chunk) => {
        at = chunk.at;
        parser.feed(decoder.decode(chunk.bytes, { stream: true }));
        for (const look of waiting) look();
      },
    })
    .then((answer) => {
      if (answer.status !== 200) jsonOf(answer);
      if (last === undefined) throw new Error(`the execution ${id} has no end`);
      return last;
    });
  // Whoever waits for the end hears of it; before that, whoever waits for an event does.
  finished.catch(() => undefined);
  const first = async (type: ExecutionEvent["type"]): Promise<ExecutionEvent> => {
    let look = (): void => undefined;
    const found = new Promise<ExecutionEvent>((resolve) => {
      look = () => {
        const event = seen.find((one) => one.type === type);
        if (event !== undefined) resolve(event);
      };
      waiting.add(look);
      look();
    });
    try {
      const ended = finished.then(({ event }) => {
        throw new Error(`the execution ${id} ended without ${type}: ${JSON.stringify(event)}`);
      });
      return await Promise.race([found, ended]);
    } finally {
      waiting.delete(look);
    }
  };
  return { id, first, finished };
}
