import type { IncomingMessage } from "node:http";
import { createParser } from "eventsource-parser";
import { setTimeout as delay } from "node:timers/promises";
import { isTransient, problemOf, textOf } from "../client.js";
import type { ReadingEnd } from "../reading.js";
import { executionsPath, type Follow, type Following, hangUps } from "./follower.js";

/** Follows a run over server-sent events; comes back with `Last-Event-ID`. */
export const followEventStream: Follow = async (following) => {
  const { client, log, reading } = following;
  const hangUp = hangUps(following.reader);
  const pause = client.patience();
  for (let attempt = 0; ; attempt += 1) {
    if (attempt > 0) await pause();
    try {
      const response = await request(following);
      const status = response.statusCode ?? 0;
      if (status === 200) {
        log.accept();
        const end = await frames(following, response, hangUp);
        if (end !== undefined) return end;
        reading.resumes += 1;
        log.note(`${reading.name} comes back after ${reading.last}`);
        continue;
      }
      const text = await textOf(response);
      if (isTransient(status)) {
        log.note(`${reading.name} was answered ${status} ${problemOf(text).code}`);
        continue;
      }
      if (status === 204) {
        if (!log.finished) log.violation(`${reading.name} was answered 204 before any end`);
        return { kind: "finished" };
      }
      return { kind: "gone", status, problem: problemOf(text) };
    } catch (error) {
      client.signal.throwIfAborted();
      log.note(`${reading.name} broke off: ${(error as Error).message}`);
      reading.resumes += 1;
    }
  }
};

/** Submits the run until something of it has come; follows it then. */
async function request({
  client,
  session,
  submission,
  reading,
  log,
}: Following): Promise<IncomingMessage> {
  const accept = { accept: "text/event-stream" };
  if (submission !== undefined && reading.last === reading.after) {
    const path = `/sessions/${session}/execute`;
    return client.open("POST", path, { body: submission, headers: accept });
  }
  const path = `${executionsPath(session, log.run.id)}/events`;
  const headers: Record<string, string> = accept;
  if (reading.last > 0) headers["last-event-id"] = String(reading.last);
  return client.open("GET", path, { headers });
}

/** Takes in one connection's frames. Undefined: it ended before the run did. */
async function frames(
  { log, reading, reader, onEvent }: Following,
  response: IncomingMessage,
  hangUp: ReturnType<typeof hangUps>,
): Promise<ReadingEnd | undefined> {
  const state: { over?: "finished" | "left" | "comes back" | undefined } = {};
  const parser = createParser({
    onEvent: ({ id, event: type, data }) => {
      if (state.over === "finished") log.violation(`${reading.name} got a frame behind the last`);
      if (state.over !== undefined) return;
      const event = log.add(reading, data);
      if (event === undefined) return;
      if (id !== String(event.n) || type !== event.type) {
        log.violation(`${reading.name} got a frame ${id} ${type} around ${event.n} ${event.type}`);
      }
      onEvent(event);
      state.over = event.type === "execution_finished" ? "finished" : hangUp();
    },
  });
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response) {
      parser.feed(decoder.decode(chunk as Buffer, { stream: true }));
      if (state.over === "left" || state.over === "comes back") break;
      if (reader.slownessMs > 0) await delay(reader.slownessMs);
    }
  } catch (error) {
    // A connection may break behind the last event.
    if (state.over !== "finished") throw error;
  } finally {
    response.destroy();
  }
  switch (state.over) {
    case "finished":
    case "left":
      return { kind: state.over };
    case "comes back":
      return undefined;
    case undefined:
      log.violation(`${reading.name} saw its stream end without a last event, at ${reading.last}`);
      return undefined;
  }
}
