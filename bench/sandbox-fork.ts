import { type BareSandbox, type BareSandboxes, openBareSandboxes } from "./bare-sandboxes.js";
import type { Bench, Benchmark, Measurement } from "./benchmark.js";
import { firstTouchMs, privateBytes } from "./process-memory.js";

const ROUNDS = 40;
const CROWD = 100;
const CROWDED_ROUNDS = 20;
const DATA = ["numpy", "pandas", "matplotlib.pyplot"];

const VARIANTS = [
  { name: "base", preload: [], atMost: 25 },
  { name: "data libraries preloaded", preload: DATA, atMost: 30 },
];

const privateMegabytes = ({ processes }: BareSandbox): number =>
  processes.reduce((sum, pid) => sum + privateBytes(pid), 0) / 1e6;

/** Sandboxes one after another, each ended before the next: starts, ends, memory while idle. */
async function oneByOne(
  sandboxes: BareSandboxes,
  rounds: number,
): Promise<{ starts: number[]; ends: number[]; megabytes: number[] }> {
  const measured = { starts: [] as number[], ends: [] as number[], megabytes: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    const sandbox = await sandboxes.start();
    measured.starts.push(sandbox.startMs);
    measured.megabytes.push(privateMegabytes(sandbox));
    measured.ends.push(await sandbox.destroy());
  }
  return measured;
}

async function variant(
  { image, signal }: Pick<Bench, "image" | "signal">,
  { name, preload, atMost }: (typeof VARIANTS)[number],
): Promise<Measurement[]> {
  const sandboxes = await openBareSandboxes({ image, preload, signal });
  try {
    await oneByOne(sandboxes, 3);
    const touchedAlone = Array.from({ length: 5 }, firstTouchMs);
    const alone = await oneByOne(sandboxes, ROUNDS);
    const measurements: Measurement[] = [
      {
        what: `fork of a sandbox → its kernel answers (${name})`,
        unit: "ms",
        samples: alone.starts,
        target: { atMost },
        note: "no pool; the target of the 95th percentile is 50 ms",
      },
      {
        what: `private memory of an idle sandbox, all its processes (${name})`,
        unit: "MB",
        samples: alone.megabytes,
        target: { atMost: 20 },
      },
      {
        what: `destroy a sandbox, nothing left (${name})`,
        unit: "ms",
        samples: alone.ends,
        target: { atMost: 20 },
      },
    ];
    if (preload.length === 0) return measurements;
    for (let made = 0; made < CROWD; made += 1) await sandboxes.start();
    const crowded = await oneByOne(sandboxes, CROWDED_ROUNDS);
    return [
      ...measurements,
      {
        what: `fork of a sandbox → its kernel answers, beside ${CROWD} live ones (${name})`,
        unit: "ms",
        samples: crowded.starts,
      },
      {
        what: `first touch of 64 MiB beside ${CROWD} live sandboxes`,
        unit: "ms",
        samples: Array.from({ length: 5 }, firstTouchMs),
        baseline: { what: "beside none", samples: touchedAlone },
      },
    ];
  } finally {
    await sandboxes.close();
  }
}

export const sandboxFork: Benchmark = {
  name: "sandbox-fork",
  runtimes: ["local"],
  run: async (bench) => {
    const measurements: Measurement[] = [];
    for (const each of VARIANTS) measurements.push(...(await variant(bench, each)));
    return measurements;
  },
};
