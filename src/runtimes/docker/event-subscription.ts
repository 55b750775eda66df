import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Engine } from "./engine.js";
import { SANDBOX_LABEL } from "./labels.js";

const RETRY_MS = { first: 50, longest: 2000 };

/** How far back events are asked for again: the engine's list can be a moment older than an event. */
const REPLAY_MS = 10_000;

const containerEvent = z.object({
  Action: z.string(),
  timeNano: z.number(),
  Actor: z.object({ Attributes: z.record(z.string(), z.string()).default({}) }),
});

/** What happened to a sandbox's container: the labels are among its attributes, `name` is its name. */
export interface ContainerEvent {
  action: string;
  attributes: Readonly<Record<string, string>>;
  /** Nanoseconds since the epoch. */
  time: number;
  /** It may have been told before: it happened shortly before the connection was made. */
  replayed: boolean;
}

export interface EventSubscriber {
  /** Called when events begin to arrive, at first and again after each interruption, and awaited before them. */
  onConnected(signal: AbortSignal): Promise<void>;
  onEvent(event: ContainerEvent): void;
  onDisconnected(): void;
}

/**
 * Subscribes to the events of all sandboxes on the engine, for as long as `signal` is not aborted, whatever happens
 * to the connection. Never rejects; resolves once it has ended.
 */
export async function subscribeEvents(
  engine: Engine,
  subscriber: EventSubscriber,
  signal: AbortSignal,
): Promise<void> {
  let pause = RETRY_MS.first;
  for (;;) {
    const connection = new AbortController();
    const either = AbortSignal.any([signal, connection.signal]);
    const connectedAt = Date.now();
    try {
      const stream = await engine.call(
        () =>
          engine.docker.getEvents({
            since: Math.floor((connectedAt - REPLAY_MS) / 1000),
            filters: { type: ["container"], label: [SANDBOX_LABEL] },
            abortSignal: either,
          }),
        { signal },
      );
      await subscriber.onConnected(either);
      pause = RETRY_MS.first;
      for await (const line of lines(stream)) {
        const event = containerEvent.safeParse(parseJson(line)).data;
        if (!event) continue;
        subscriber.onEvent({
          action: event.Action,
          attributes: event.Actor.Attributes,
          time: event.timeNano,
          replayed: event.timeNano < connectedAt * 1e6,
        });
      }
    } catch {
      // The engine is away, or the subscription has ended: either way the loop knows what to do.
    } finally {
      connection.abort();
    }
    if (signal.aborted) return;
    subscriber.onDisconnected();
    await delay(pause, undefined, { signal }).catch(() => undefined);
    pause = Math.min(pause * 2, RETRY_MS.longest);
  }
}

async function* lines(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
  stream.setEncoding("utf8");
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + String(chunk)).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
