import type { Benchmark } from "./benchmark.js";
import { createClient } from "./client.js";
import { withSession } from "./session.js";

const SESSIONS = 20;
const ROUNDS = 2;

export const sessionsAtOnce: Benchmark = {
  name: "sessions-at-once",
  run: async ({ client, gateway, signal }) => {
    const all: number[] = [];
    const each: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const clients = Array.from({ length: SESSIONS }, () =>
        createClient(client.url, gateway.key, signal),
      );
      const start = performance.now();
      const seconds = await Promise.all(
        clients.map((own) =>
          withSession({ client: own }, {}, async (session) => {
            await session.execute("1+1");
            return (performance.now() - start) / 1000;
          }),
        ),
      );
      for (const own of clients) own.close();
      all.push(Math.max(...seconds));
      each.push(...seconds);
    }
    return [
      {
        what: `${SESSIONS} sessions created together → all have answered`,
        unit: "s",
        samples: all,
      },
      {
        what: `${SESSIONS} sessions created together → each has answered`,
        unit: "s",
        samples: each,
      },
    ];
  },
};
