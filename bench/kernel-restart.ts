import type { Benchmark } from "./benchmark.js";
import { eventsOf, standardOutput } from "./events.js";
import { withSession } from "./session.js";
import { epochOffsetMs } from "./wall-clock.js";

const CODE = "import os, time; print(time.time_ns(), flush=True); os._exit(1)";
const ROUNDS = 15;

export const kernelRestart: Benchmark = {
  name: "kernel-restart",
  run: (bench) =>
    withSession(bench, {}, async (session) => {
      const samples: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const offset = epochOffsetMs();
        const events = eventsOf(await session.stream(CODE));
        const last = events.at(-1)?.event;
        if (last?.type !== "execution_finished" || last.status !== "kernel_died") {
          throw new Error(`the kernel did not die: ${JSON.stringify(last)}`);
        }
        await session.execute("1+1");
        samples.push(performance.now() + offset - Number(standardOutput(events)) / 1e6);
      }
      return [{ what: "`os._exit(1)` → next result, in a new kernel", unit: "ms", samples }];
    }),
};
