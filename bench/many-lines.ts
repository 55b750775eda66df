import type { Benchmark } from "./benchmark.js";
import { milliseconds } from "./client.js";
import { eventsOf, finishedOf, standardOutput } from "./events.js";
import { withRawKernel } from "./raw-kernel.js";
import { withSession } from "./session.js";

const LINES = 100_000;
const CODE = `for i in range(${LINES}): print("line", i)`;
const ROUNDS = 7;

export const manyLines: Benchmark = {
  name: "many-lines",
  run: (bench) => {
    const expected = Array.from({ length: LINES }, (_, line) => `line ${line}\n`).join("");
    return withRawKernel(bench, (kernel) =>
      withSession(bench, {}, async (session) => {
        const raw: number[] = [];
        const service: number[] = [];
        for (let round = 0; round < ROUNDS; round += 1) {
          raw.push(...(await kernel.execute(CODE, 1)).map((ms) => ms / 1000));
          const answer = await session.stream(CODE);
          const events = eventsOf(answer);
          finishedOf(events);
          if (standardOutput(events) !== expected) {
            throw new Error("lines are missing or out of order");
          }
          service.push(milliseconds(answer) / 1000);
        }
        return [
          {
            what: "100,000 `print` lines to an SSE client",
            unit: "s",
            samples: service,
            target: { atMost: 1 },
            baseline: { what: "stock ipykernel over raw ZeroMQ", samples: raw },
          },
        ];
      }),
    );
  },
};
