import { readdir, rmdir } from "node:fs/promises";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findCgroups } from "../../../src/runtimes/local/cgroup-places.js";
import { isAlive, killProcess } from "../../../src/runtimes/local/process-identity.js";
import { readZygote, zygoteNames, type Zygote } from "../../../src/runtimes/local/zygote-record.js";
import type { Home } from "../contract/harness.js";

const entries = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);

const runtimeDirectory = (home: Home): string => join(home.directory, "runtimes/local");

export async function zygotesOf(home: Home): Promise<Zygote[]> {
  const directory = join(runtimeDirectory(home), "z");
  const zygotes = await Promise.all(
    (await zygoteNames(directory)).map((name) => readZygote(directory, name)),
  );
  return zygotes.filter((zygote) => zygote !== undefined);
}

export async function liveZygotesOf(home: Home): Promise<Zygote[]> {
  return (await zygotesOf(home)).filter(({ record }) => isAlive(record));
}

/** The pids of a process's children that have not ended. */
export function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
      .split(" ")
      .filter(Boolean)
      .map(Number);
  } catch {
    return [];
  }
}

async function homeCgroups(home: Home): Promise<string[]> {
  const zygotes = await zygotesOf(home);
  const { places } = await findCgroups();
  return [
    ...new Set([
      ...zygotes.flatMap(({ record }) => record.cgroups.map(({ path }) => path)),
      ...places.map(({ parent }) => join(parent, `hotcell-${home.id}`)),
    ]),
  ];
}

/** The processes, cgroups, ids, records and proofs of a home, or of one sandbox. */
export async function localTraces(home: Home, sandboxId?: string): Promise<string[]> {
  const directory = runtimeDirectory(home);
  const groups = (
    await Promise.all(
      (await homeCgroups(home)).map(async (path) =>
        readdirSync(path, { withFileTypes: true })
          .filter((entry) => entry.isDirectory() && /^[a-z0-9]{20}$/.test(entry.name))
          .map((entry) => join(path, entry.name)),
      ),
    ).catch(() => [])
  ).flat();
  const records = await entries(join(directory, "sandboxes"));
  const named = [...groups, ...records].filter((name) => !sandboxId || name.includes(sandboxId));
  if (sandboxId) return named;
  const zygotes = await liveZygotesOf(home);
  return [
    ...named,
    ...(await entries(join(directory, "ids"))).map((id) => `id ${id}`),
    ...zygotes.flatMap(({ record }) => childrenOf(record.pid).map((pid) => `process ${pid}`)),
  ];
}

/** Ends a home's zygotes and removes its cgroups: zygotes that nobody listens to would go by themselves, later. */
export async function discardHome(home: Home): Promise<void> {
  const groups = await homeCgroups(home);
  for (const { record } of await zygotesOf(home)) killProcess(record);
  for (const path of groups) await rmdir(path).catch(() => undefined);
}
