import { z } from "zod";
import type { Usage } from "../runtime.js";

const count = z.number().nonnegative();

const stats = z.object({
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: count }) }),
  memory_stats: z.object({
    usage: count.optional(),
    max_usage: count.optional(),
    stats: z.record(z.string(), z.number()).default({}),
  }),
});

/**
 * Reads the engine's answer to `GET /containers/{id}/stats`; undefined when the container does not run. Page cache is
 * what is on the file lists: files in tmpfs, which cannot be dropped, are on the anonymous ones.
 */
export function readUsage(answer: unknown): Usage | undefined {
  if (answer === undefined) return undefined;
  const { cpu_stats: cpu, memory_stats: memory } = stats.parse(answer);
  if (memory.usage === undefined) return undefined;
  const hierarchical = "total_active_file" in memory.stats;
  const field = (name: string): number => memory.stats[hierarchical ? `total_${name}` : name] ?? 0;
  return {
    cpuMs: Math.round(cpu.cpu_usage.total_usage / 1e6),
    memoryBytes: Math.max(0, memory.usage - field("active_file") - field("inactive_file")),
    memoryPeakBytes: memory.max_usage ?? null,
  };
}
