import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { ExecutionEvent } from "../src/kernels/event.js";
import type { Bench, Benchmark, Measurement } from "./benchmark.js";
import { jsonOf } from "./client.js";
import { executeLive } from "./live-execution.js";
import { type Session, withSession } from "./session.js";

const ROUNDS = 25;
const WARM_UP = 2;

/** How long code is left alone that has said that it is about to wait: no event tells that it does. */
const UNDER_WAY_MS = 50;

interface Interrupted {
  what: string;
  code: string;
  /** The event after which it can be interrupted. */
  ready: ExecutionEvent["type"];
}

const READY = 'import asyncio, subprocess, time; print("ready", flush=True)\n';

const INTERRUPTED: Interrupted[] = [
  { what: "a loop", code: `${READY}while True: pass`, ready: "stream" },
  { what: "`time.sleep`", code: `${READY}time.sleep(60)`, ready: "stream" },
  { what: "`await asyncio.sleep`", code: `${READY}await asyncio.sleep(60)`, ready: "stream" },
  { what: "`input()`", code: "input()", ready: "input_request" },
  {
    what: "`subprocess.run`",
    code: `${READY}subprocess.run(["sleep", "60"])`,
    ready: "stream",
  },
];

/** Milliseconds from the request to the arrival of the terminal event. */
async function interrupt(
  bench: Bench,
  session: Session,
  { code, ready }: Interrupted,
): Promise<number> {
  const execution = executeLive(bench, session, randomUUID(), code);
  await execution.first(ready);
  await delay(UNDER_WAY_MS, undefined, { signal: bench.signal });
  const path = `${session.path}/executions/${execution.id}/interrupt`;
  const answer = await bench.client.request("POST", path, { body: {} });
  if (answer.status !== 204) jsonOf(answer, 204);
  const { event, at } = await execution.finished;
  if (event.status !== "interrupted" || event.state !== "kept") {
    throw new Error(`it was not interrupted: ${JSON.stringify(event)}`);
  }
  return at - answer.startedAt;
}

export const interruption: Benchmark = {
  name: "interruption",
  run: (bench) =>
    withSession(bench, {}, async (session) => {
      const measurements: Measurement[] = [];
      for (const interrupted of INTERRUPTED) {
        const samples: number[] = [];
        for (let round = -WARM_UP; round < ROUNDS; round += 1) {
          const ms = await interrupt(bench, session, interrupted);
          if (round >= 0) samples.push(ms);
        }
        measurements.push({
          what: `interrupt ${interrupted.what} → terminal event`,
          unit: "ms",
          samples,
          target: { atMost: 30 },
        });
      }
      return measurements;
    }),
};
