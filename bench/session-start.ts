import { randomUUID } from "node:crypto";
import type { Benchmark } from "./benchmark.js";
import { jsonOf } from "./client.js";
import { sessionAt } from "./session.js";

const ROUNDS = 20;

export const sessionStart: Benchmark = {
  name: "session-start",
  run: async (bench) => {
    const created: number[] = [];
    const answered: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const session = sessionAt(bench, `bench-${randomUUID()}`);
      const start = performance.now();
      try {
        jsonOf(await bench.client.request("PUT", session.path, { body: {} }), 201);
        created.push(performance.now() - start);
        await session.execute("1+1");
        answered.push(performance.now() - start);
      } finally {
        await bench.client.request("DELETE", session.path);
      }
    }
    return [
      {
        what: "create a session (no pool) → first result",
        unit: "ms",
        samples: answered,
        target: { atMost: bench.runtime === "local" ? 45 : 1000 },
      },
      { what: "create a session (no pool) → 201", unit: "ms", samples: created },
    ];
  },
};
