import type { Benchmark } from "./benchmark.js";
import { withSession } from "./session.js";

const ROUNDS = 10;
const IMPORT = `import time; _began = time.perf_counter()
import pandas, matplotlib.pyplot
print((time.perf_counter() - _began) * 1000)`;

export const firstImport: Benchmark = {
  name: "first-import",
  run: async (bench) => {
    const samples: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await withSession(bench, {}, async (session) => {
        samples.push(Number(await session.printed(IMPORT)));
      });
    }
    return [
      {
        what: "`import pandas, matplotlib.pyplot`, first thing in a session",
        unit: "ms",
        samples,
        ...(bench.runtime === "local" ? { target: { atMost: 5 } } : {}),
      },
    ];
  },
};
