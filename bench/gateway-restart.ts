import { once } from "node:events";
import { createConnection } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Bench, Benchmark } from "./benchmark.js";
import { type Client, createClient, jsonOf } from "./client.js";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";
import { type ArrivedEvent, type ResumingReader, resumeReading } from "./resuming-reader.js";
import { sessionAt } from "./session.js";

const SESSIONS = 50;
/** How many of them run code that prints. */
const PRINTING = 10;
const ROUNDS = 5;
const PROBE_EVERY_MS = 5;

const COUNT_FOREVER = `import itertools, time
for i in itertools.count():
    print(i, flush=True)
    time.sleep(0.05)`;
const COUNT = `import time
for i in range(3):
    print(i, flush=True)
    time.sleep(0.03)`;

const ID = "counting";
const accepted = z.object({ id: z.string() });

/** An execution of one session, and where its client is in its events. */
interface Counting {
  path: string;
  prints: boolean;
  /** The event that the client has had. */
  had: ArrivedEvent["event"];
  reader: ResumingReader;
}

/** Starts counting in a new session, and reads along until the counting has begun or is over. */
async function startCounting(
  gateway: GatewayProcess,
  client: Client,
  number: number,
  prints: boolean,
): Promise<Counting> {
  const session = sessionAt({ client }, `bench-${number}`);
  jsonOf(await client.request("PUT", session.path, { body: {} }), 201);
  const answer = await client.request("POST", `${session.path}/execute`, {
    body: { code: prints ? COUNT_FOREVER : COUNT, execution_id: ID, timeout_s: 3600 },
    headers: { prefer: "respond-async" },
  });
  accepted.parse(jsonOf(answer, 202));
  const path = `${session.path}/executions/${ID}/events`;
  const reader = resumeReading(gateway, path, 0);
  const { event } = await reader.first;
  if (!prints) await reader.ended;
  return { path, prints, had: event, reader };
}

/** Resolves when something listens, which is looked at all the time. */
async function listening(url: string, signal: AbortSignal): Promise<void> {
  const { hostname, port } = new URL(url);
  for (;;) {
    const socket = createConnection({ host: hostname, port: Number(port) });
    try {
      await once(socket, "connect", { signal });
      return;
    } catch {
      signal.throwIfAborted();
      await delay(PROBE_EVERY_MS, undefined, { signal });
    } finally {
      socket.destroy();
    }
  }
}

/** What a client has had must go on with what it gets. */
function checkSequel({ had, path }: Counting, next: ArrivedEvent["event"]): void {
  if (next.n <= had.n || next.type !== "stream") {
    throw new Error(`${path}: behind ${had.n} came ${JSON.stringify(next)}`);
  }
  const expected = had.type === "stream" ? Number(had.text.trim().split("\n").at(-1)) + 1 : 0;
  if (Number.parseInt(next.text, 10) !== expected) {
    throw new Error(`${path}: behind ${JSON.stringify(had)} came ${JSON.stringify(next)}`);
  }
}

interface Restart {
  gateway: GatewayProcess;
  /** Milliseconds from the start of the new process until it listens. */
  listeningMs: number;
  /** Until each client had its first resumed event. */
  firstEventsMs: number[];
}

async function restart(
  before: GatewayProcess,
  all: Counting[],
  options: Parameters<typeof startGatewayProcess>[0],
): Promise<Restart> {
  await before.kill();
  await Promise.all(all.map(({ reader }) => reader.ended));
  for (const one of all) if (one.prints) one.had = one.reader.newest ?? one.had;
  const startedAt = performance.now();
  const starting = startGatewayProcess({ ...options, successorOf: before });
  await Promise.race([listening(before.url, options.signal), starting]);
  const listeningMs = performance.now() - startedAt;
  for (const one of all) one.reader = resumeReading(before, one.path, one.had.n);
  const gateway = await starting;
  try {
    const firstEventsMs = await Promise.all(
      all.map(async (one) => {
        const { event, at } = await one.reader.first;
        checkSequel(one, event);
        return at - startedAt;
      }),
    );
    return { gateway, listeningMs, firstEventsMs };
  } catch (error) {
    await gateway.close();
    throw error;
  }
}

interface Measured {
  listeningMs: number[];
  firstEventsMs: number[];
  /** Of the last client of each round. */
  lastMs: number[];
}

/** Kills a gateway with so many sessions again and again. */
async function measure(
  sessions: number,
  printing: number,
  options: Parameters<typeof startGatewayProcess>[0],
): Promise<Measured> {
  let gateway = await startGatewayProcess(options);
  const client = createClient(gateway.url, gateway.key, options.signal);
  const all: Counting[] = [];
  const measured: Measured = { listeningMs: [], firstEventsMs: [], lastMs: [] };
  try {
    for (let number = 0; number < sessions; number += 1) {
      all.push(await startCounting(gateway, client, number, number < printing));
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      const done = await restart(gateway, all, options);
      gateway = done.gateway;
      measured.listeningMs.push(done.listeningMs);
      measured.firstEventsMs.push(...done.firstEventsMs);
      measured.lastMs.push(Math.max(...done.firstEventsMs));
    }
    return measured;
  } finally {
    for (const { reader } of all) reader.close();
    client.close();
    await gateway.close();
  }
}

export const gatewayRestart: Benchmark = {
  name: "gateway-restart",
  run: async ({ runtime, imagesDirectory, signal }: Bench) => {
    const options = { runtime, imagesDirectory, signal, built: true };
    const one = await measure(1, 1, options);
    const many = await measure(SESSIONS, PRINTING, options);
    const note = `${SESSIONS} live sessions, ${PRINTING} of them printing; clients come as soon as it listens`;
    const withOne = (samples: number[]): { what: string; samples: number[] } => ({
      what: "with one session",
      samples,
    });
    return [
      {
        what: `start of a killed gateway's successor → first resumed event of each of ${SESSIONS} clients`,
        unit: "ms",
        samples: many.firstEventsMs,
        target: { atMost: 1000 },
        baseline: withOne(one.firstEventsMs),
        note,
      },
      {
        what: "the same, last of the clients",
        unit: "ms",
        samples: many.lastMs,
        baseline: withOne(one.lastMs),
        note,
      },
      {
        what: "start of a killed gateway's successor → it listens",
        unit: "ms",
        samples: many.listeningMs,
        baseline: withOne(one.listeningMs),
      },
    ];
  },
};
