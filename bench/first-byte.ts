import type { Benchmark } from "./benchmark.js";
import { eventsOf, finishedOf } from "./events.js";
import { withRawKernel } from "./raw-kernel.js";
import { type Session, withSession } from "./session.js";
import { epochOffsetMs } from "./wall-clock.js";

const CODE = "import time; print(time.time_ns(), flush=True)";
const ROUNDS = 4;
const A_ROUND = 50;

/** Milliseconds from each flush to the arrival of the bytes of its `stream` event. */
async function serviceRound(session: Session, count: number): Promise<number[]> {
  const samples: number[] = [];
  for (let done = 0; done < count; done += 1) {
    const offset = epochOffsetMs();
    const events = eventsOf(await session.stream(CODE));
    finishedOf(events);
    const first = events.find(({ event }) => event.type === "stream");
    if (first?.event.type !== "stream") throw new Error("nothing was printed");
    samples.push(first.at + offset - Number(first.event.text) / 1e6);
  }
  return samples;
}

export const firstByte: Benchmark = {
  name: "first-byte",
  run: (bench) =>
    withRawKernel(bench, (kernel) =>
      withSession(bench, {}, async (session) => {
        await serviceRound(session, 10);
        const raw: number[] = [];
        const service: number[] = [];
        for (let round = 0; round < ROUNDS; round += 1) {
          raw.push(...(await kernel.flushDelays(A_ROUND)));
          service.push(...(await serviceRound(session, A_ROUND)));
        }
        return [
          {
            what: "first SSE byte after the kernel's first flush",
            unit: "ms",
            samples: service,
            target: { atMost: 3 },
            baseline: { what: "stock ipykernel over raw ZeroMQ", samples: raw },
          },
        ];
      }),
    ),
};
