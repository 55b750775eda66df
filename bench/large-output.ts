import type { Benchmark } from "./benchmark.js";
import { milliseconds } from "./client.js";
import { eventsOf, finishedOf, standardOutput } from "./events.js";
import { withRawKernel } from "./raw-kernel.js";
import { watchResidentMemory } from "./resident-memory.js";
import { withSession } from "./session.js";

const BYTES = 50_000_000;
const MEGABYTE = 1e6;
const LINE = `${"x".repeat(79)}\n`;
const PREPARE = `text = (79 * "x" + "\\n") * ${BYTES / LINE.length}`;
const CODE = 'print(text, end="")';
const ROUNDS = 5;

const rate = (ms: number): number => BYTES / MEGABYTE / (ms / 1000);

export const largeOutput: Benchmark = {
  name: "large-output",
  run: (bench) =>
    withRawKernel(bench, (kernel) =>
      withSession(bench, {}, async (session) => {
        await kernel.execute(PREPARE, 1);
        await session.execute(PREPARE);
        const raw: number[] = [];
        const service: number[] = [];
        const growth: number[] = [];
        for (let round = 0; round < ROUNDS; round += 1) {
          raw.push(...(await kernel.execute(CODE, 1)).map(rate));
          const memory = watchResidentMemory(bench.gateway.pid);
          const answer = await session.stream(CODE);
          growth.push(memory.growthBytes() / MEGABYTE);
          const events = eventsOf(answer);
          const { output } = finishedOf(events);
          const text = standardOutput(events);
          if (output.stdout_bytes !== BYTES || text !== LINE.repeat(BYTES / LINE.length)) {
            throw new Error(
              `${text.length} bytes of ${BYTES} arrived, or others than were written`,
            );
          }
          service.push(rate(milliseconds(answer)));
        }
        return [
          {
            what: "50 MB to stdout, to an SSE client",
            unit: "MB/s",
            samples: service,
            target: { atLeast: 40 },
            baseline: { what: "stock ipykernel over raw ZeroMQ", samples: raw },
          },
          {
            what: "50 MB to stdout: growth of the gateway's memory, worst",
            unit: "MB",
            samples: [Math.max(...growth)],
            target: { atMost: 100 },
            note: `peak over what was resident before, each of ${ROUNDS} times: ${growth.map(Math.round).join(", ")} MB`,
          },
        ];
      }),
    ),
};
