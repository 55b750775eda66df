import { randomUUID } from "node:crypto";
import type { Benchmark } from "./benchmark.js";
import { jsonOf } from "./client.js";
import { availableBytes } from "./process-memory.js";
import { type Session, sessionAt } from "./session.js";

const SESSIONS = 200;
const ROUNDS = 3;
const PLOT = `import matplotlib.pyplot as plt
plt.plot([1, 3, 2]); plt.show()`;

export const crowd: Benchmark = {
  name: "crowd",
  runtimes: ["local"],
  run: async (bench) => {
    const sessions: Session[] = [];
    const perSession = (before: number): number => (before - availableBytes()) / SESSIONS / 1e6;
    try {
      const before = availableBytes();
      const starts: number[] = [];
      for (let made = 0; made < SESSIONS; made += 1) {
        const session = sessionAt(bench, `bench-${randomUUID()}`);
        const started = performance.now();
        jsonOf(await bench.client.request("PUT", session.path, { body: {} }), 201);
        starts.push(performance.now() - started);
        sessions.push(session);
      }
      const idle = perSession(before);
      const plots: number[] = [];
      for (const session of sessions) plots.push((await session.execute(PLOT)).ms);
      const plotted = perSession(before);
      const answers: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const session of sessions) {
          const { text, ms } = await session.execute("1+1");
          if (text !== "2") throw new Error(`1+1 is ${text}`);
          answers.push(ms);
        }
      }
      const note = `${SESSIONS} live sessions; the fall of MemAvailable, over their number`;
      return [
        { what: `create each of ${SESSIONS} sessions → 201`, unit: "ms", samples: starts },
        {
          what: `memory of the whole system for each of ${SESSIONS} idle sessions`,
          unit: "MB",
          samples: [idle],
          target: { atMost: 22 },
          note,
        },
        {
          what: `the same, each having drawn a plot`,
          unit: "MB",
          samples: [plotted],
          note: `in all ${Math.round(plotted * SESSIONS)} MB`,
        },
        { what: `the first plot in each of ${SESSIONS} sessions`, unit: "ms", samples: plots },
        {
          what: `\`1+1\` round-robin through ${SESSIONS} sessions`,
          unit: "ms",
          samples: answers,
          note: "the target of the 95th percentile is 15 ms",
        },
      ];
    } finally {
      for (const session of sessions) await bench.client.request("DELETE", session.path);
    }
  },
};
