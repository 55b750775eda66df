import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { containersAndVolumes } from "../e2e/containers.js";
import { localSandboxes } from "../e2e/local-sandboxes.js";
import type { Client } from "./client.js";
import type { ChaosRuntime } from "./gateway.js";

const run = promisify(execFile);

/** How long a gateway has to remove what it has just stopped to need. */
const REMOVED_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 500;

export interface Place {
  runtime: ChaosRuntime;
  home: string;
}

/** Ids of the sandboxes that a home has on the machine. */
async function sandboxesOf({ runtime, home }: Place): Promise<Set<string>> {
  const id = await homeId(home);
  if (runtime === "local") return new Set(await localSandboxes(home, id));
  const labels = [
    "--filter",
    `label=hotcell.home=${id}`,
    "--format",
    '{{.Label "hotcell.sandbox"}}',
  ];
  const { stdout } = await run("docker", ["ps", "-a", ...labels]);
  return new Set(stdout.split("\n").filter((line) => line !== ""));
}

const homeId = async (home: string): Promise<string> =>
  (await readFile(join(home, "id"), "utf8")).trim();

/** Ids of the sandboxes of all sessions that the gateway knows. */
async function claimed(client: Client): Promise<Set<string>> {
  const ids = new Set<string>();
  let cursor: string | null = "";
  while (cursor !== null) {
    const { text } = await client.insist(
      "GET",
      `/sessions?limit=100${cursor && `&cursor=${cursor}`}`,
    );
    const page = JSON.parse(text) as {
      sessions: { sandbox_id: string }[];
      next_cursor: string | null;
    };
    for (const { sandbox_id } of page.sessions) ids.add(sandbox_id);
    cursor = page.next_cursor;
  }
  return ids;
}

/**
 * Sandboxes that no session has, and sessions that have no sandbox, for longer than a removal may take. Others may come
 * and go meanwhile.
 */
export async function orphans(place: Place, client: Client): Promise<string[]> {
  const until = Date.now() + REMOVED_WITHIN_MS;
  let suspects: Set<string> | undefined;
  for (;;) {
    // A sandbox is claimed from before it is made until after it was removed.
    const before = await claimed(client);
    const there = await sandboxesOf(place);
    const after = await claimed(client);
    const now = [
      ...[...there].filter((id) => !before.has(id) && !after.has(id)).map((id) => `sandbox ${id}`),
      ...[...before]
        .filter((id) => after.has(id) && !there.has(id))
        .map((id) => `session of ${id}`),
    ];
    const known = suspects;
    suspects = new Set(known === undefined ? now : now.filter((name) => known.has(name)));
    if (suspects.size === 0 || Date.now() > until) return [...suspects];
    await delay(LOOK_EVERY_MS, undefined, { signal: client.signal });
  }
}

/** What is left on the machine of a home whose gateway has ended every session, after a while. */
export async function leftBehind({ runtime, home }: Place): Promise<string[]> {
  const until = Date.now() + REMOVED_WITHIN_MS;
  for (;;) {
    const id = await homeId(home);
    const left = [
      ...(runtime === "docker" ? await containersAndVolumes(id) : await localSandboxes(home, id)),
      ...(await listing(join(home, "links"))).map((name) => `link ${name}`),
      ...(await listing(join(home, "sessions"))).map((name) => `record ${name}`),
      ...(await listing(join(home, "runtimes", runtime, "identities"))),
      ...(await listing(join(home, "runtimes/local/ids"))).map((name) => `id ${name}`),
      ...(await processesIn(home)),
    ];
    if (left.length === 0 || Date.now() > until) return left;
    await delay(LOOK_EVERY_MS);
  }
}

/** Processes that name a home, or have something of it mounted. */
async function processesIn(home: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      if (Number(pid) === process.pid) return false;
      const texts = await Promise.all(
        ["cmdline", "environ", "mountinfo"].map((file) =>
          readFile(`/proc/${pid}/${file}`, "utf8").catch(() => ""),
        ),
      );
      return texts.some((text) => text.includes(`${home}/`));
    }),
  );
  return pids.filter((_, index) => found[index]).map((pid) => `process ${pid}`);
}

const listing = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);
