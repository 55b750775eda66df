import { existsSync } from "node:fs";
import { z } from "zod";
import type { Benchmark } from "./benchmark.js";
import { jsonOf } from "./client.js";
import { withSession } from "./session.js";

const SESSIONS = 5;

const view = z.object({ usage: z.object({ memory_bytes: z.number() }) });

export const idleMemory: Benchmark = {
  name: "idle-memory",
  run: async (bench) => {
    const samples: number[] = [];
    for (let made = 0; made < SESSIONS; made += 1) {
      await withSession(bench, {}, async (session) => {
        await session.execute("1+1");
        const { usage } = view.parse(jsonOf(await bench.client.request("GET", session.path)));
        samples.push(usage.memory_bytes / 1e6);
      });
    }
    const version = existsSync("/sys/fs/cgroup/cgroup.controllers") ? 2 : 1;
    return [
      {
        what: "memory of an idle session",
        unit: "MB",
        samples,
        target: { atMost: 90 },
        note: `the container's cgroup (v${version}) without page cache, as \`usage.memory_bytes\` of the session says, after one \`1+1\``,
      },
    ];
  },
};
