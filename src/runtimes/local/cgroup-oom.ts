import { watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { HomeCgroup } from "./home-cgroups.js";

const memoryCgroup = (cgroups: readonly HomeCgroup[]): HomeCgroup | undefined =>
  cgroups.find(({ controllers }) => controllers.includes("memory"));

/** Whether each kill is heard of from the kernel's count (v2), and not from the sandbox's zygote. */
export const countTellsOfOom = (cgroups: readonly HomeCgroup[]): boolean =>
  memoryCgroup(cgroups)?.version === 2;

function eventsFile(cgroups: readonly HomeCgroup[], sandboxId: string): string | undefined {
  const memory = memoryCgroup(cgroups);
  if (!memory) return undefined;
  const file = memory.version === 1 ? "memory.oom_control" : "memory.events";
  return join(memory.path, sandboxId, file);
}

/** How often the kernel has killed something in a sandbox for want of memory; 0 where nothing counts that. */
export async function oomKills(cgroups: readonly HomeCgroup[], sandboxId: string): Promise<number> {
  const file = eventsFile(cgroups, sandboxId);
  if (file === undefined) return 0;
  const text = await readFile(file, "utf8").catch(() => "");
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/**
 * Calls `onEvent` when a v2 cgroup's count of memory events changes, until the returned function is called. In v1 the
 * sandbox's zygote hears of them.
 */
export function watchMemoryEvents(
  cgroups: readonly HomeCgroup[],
  sandboxId: string,
  onEvent: () => void,
): () => void {
  const file = eventsFile(cgroups, sandboxId);
  if (file === undefined || !countTellsOfOom(cgroups)) return () => undefined;
  try {
    const watcher = watch(file, { persistent: false }, onEvent);
    watcher.on("error", () => undefined);
    return () => watcher.close();
  } catch {
    // Without an inotify instance to spare, the count is read when the sandbox ends.
    return () => undefined;
  }
}
