import type { Benchmark } from "./benchmark.js";
import { eventsOf } from "./events.js";
import { withSession } from "./session.js";
import { epochOffsetMs } from "./wall-clock.js";

/** Notes the time in a file: what is printed right before may die with the kernel. */
const DIE = `import os, time
with open("died", "w") as file: _ = file.write(str(time.time_ns()))
os._exit(1)`;
const ROUNDS = 15;

export const kernelRestart: Benchmark = {
  name: "kernel-restart",
  run: (bench) =>
    withSession(bench, {}, async (session) => {
      const samples: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const offset = epochOffsetMs();
        const events = eventsOf(await session.stream(DIE));
        const last = events.at(-1)?.event;
        if (last?.type !== "execution_finished" || last.status !== "kernel_died") {
          throw new Error(`the kernel did not die: ${JSON.stringify(last)}`);
        }
        const { text } = await session.execute('int(open("died").read())');
        // Before the result it says that the interpreter is a new one.
        const diedNs = Number(text.trim().split("\n").at(-1));
        samples.push(performance.now() + offset - diedNs / 1e6);
      }
      return [
        {
          what: "`os._exit(1)` → next result, in a new kernel",
          unit: "ms",
          samples,
          target: { atMost: 50 },
        },
      ];
    }),
};
