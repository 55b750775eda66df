import type { Benchmark } from "./benchmark.js";
import { rawKernelFile } from "./raw-kernel.js";
import { withSession } from "./session.js";

const ROUNDS = 5;
const START = `import raw_kernel, time; _began = time.perf_counter()
raw_kernel.RawKernel.stock()
print((time.perf_counter() - _began) * 1000)`;

/** What the start of a sandbox with its kernel is to be compared with. */
export const stockKernel: Benchmark = {
  name: "stock-kernel",
  run: async (bench) => {
    const samples: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await withSession(bench, { files: [rawKernelFile] }, async (session) => {
        samples.push(Number(await session.printed(START)));
      });
    }
    return [{ what: "`python3 -m ipykernel` → its first answer", unit: "ms", samples }];
  },
};
