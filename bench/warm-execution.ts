import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Bench, Benchmark } from "./benchmark.js";
import { jsonOf } from "./client.js";
import { rawKernelFile, withRawKernel } from "./raw-kernel.js";
import { type Session, withSession } from "./session.js";
import { median } from "./statistics.js";

const CODE = "1+1";
const ROUNDS = 6;
const A_ROUND = 100;
const WARM_UP = 20;

async function serviceRound(session: Session, count: number): Promise<number[]> {
  const samples: number[] = [];
  for (let done = 0; done < count; done += 1) {
    const { text, ms } = await session.execute(CODE);
    if (text !== "2") throw new Error(`1+1 is ${text}`);
    samples.push(ms);
  }
  return samples;
}

/** `1+1` straight to the sandbox's own kernel, by a process beside it: what kerneld, link and gateway add to. */
async function ownKernel(bench: Bench): Promise<number[]> {
  return withSession(bench, { files: [rawKernelFile] }, async (session) => {
    await session.execute(
      `import subprocess, sys
subprocess.Popen([sys.executable, "raw_kernel.py", "own.json", "${ROUNDS * A_ROUND}"]) and None`,
    );
    // The kernel itself is what is measured, so it cannot be asked when it is done: look for the file.
    for (;;) {
      const answer = await bench.client.request("GET", `${session.path}/files/own.json`);
      if (answer.status === 200) return z.array(z.number()).parse(jsonOf(answer));
      await delay(200, undefined, { signal: bench.signal });
    }
  });
}

export const warmExecution: Benchmark = {
  name: "warm-execution",
  run: (bench) =>
    withRawKernel(bench, (kernel) =>
      withSession(bench, {}, async (session) => {
        await serviceRound(session, WARM_UP);
        const raw: number[] = [];
        const service: number[] = [];
        for (let round = 0; round < ROUNDS; round += 1) {
          raw.push(...(await kernel.execute(CODE, A_ROUND)));
          service.push(...(await serviceRound(session, A_ROUND)));
        }
        const baseline = median(raw);
        return [
          {
            what: "`1+1` as JSON, warm session, one connection",
            unit: "ms",
            samples: service,
            target: { atMost: Math.max(1.6 * baseline, baseline + 2) },
            baseline: { what: "stock ipykernel over raw ZeroMQ", samples: raw },
            note: "the target is the larger of 1.6 × the baseline and the baseline + 2 ms",
          },
          {
            what: "`1+1` in our own kernel over raw ZeroMQ",
            unit: "ms",
            samples: await ownKernel(bench),
            baseline: { what: "stock ipykernel over raw ZeroMQ", samples: raw },
          },
        ];
      }),
    ),
};
