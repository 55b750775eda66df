import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Bench, Benchmark } from "./benchmark.js";
import { jsonOf, milliseconds } from "./client.js";
import { type Session, withSession } from "./session.js";

const ROUNDS = 20;
const WARM_UP = 2;
const A_SECOND_MS = 1000;

const kernelView = z.object({ id: z.string() });
const execution = z.object({ status: z.literal("ok"), text: z.literal("2") });

/** Milliseconds until another kernel is ready; it must also work. */
async function anotherKernel({ client }: Bench, { path }: Session): Promise<number> {
  const answer = await client.request("POST", `${path}/kernels`, { body: { language: "python" } });
  const { id } = kernelView.parse(jsonOf(answer, 201));
  const body = { code: "1+1", kernel: id };
  execution.parse(jsonOf(await client.request("POST", `${path}/execute`, { body })));
  return milliseconds(answer);
}

export const secondKernel: Benchmark = {
  name: "second-kernel",
  run: async (bench) => {
    const second: number[] = [];
    const third: number[] = [];
    for (let round = -WARM_UP; round < ROUNDS; round += 1) {
      await withSession(bench, {}, async (session) => {
        await session.execute("1+1");
        const ms = await anotherKernel(bench, session);
        await delay(A_SECOND_MS, undefined, { signal: bench.signal });
        const later = await anotherKernel(bench, session);
        if (round < 0) return;
        second.push(ms);
        third.push(later);
      });
    }
    return [
      {
        what: "create a second Python kernel in a session → 201",
        unit: "ms",
        samples: second,
        target: { atMost: 40 },
      },
      { what: "create a third one a second later → 201", unit: "ms", samples: third },
    ];
  },
};
