import { chmod, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import type { Runtime } from "../runtimes/runtime.js";
import { endReason } from "../sessions/end-reason.js";
import type { KeptRecord, ReadyRecord, SessionRecordStore } from "../sessions/session-record.js";
import type { SessionRegistry } from "../sessions/session-registry.js";

export interface AdoptionServices {
  runtime: Runtime;
  sessions: SessionRegistry;
  /** Whether sessions are taken up; otherwise they end. */
  takesUp: boolean;
  linksDirectory: string;
  /** Where run logs are. */
  runsDirectory: string;
  log: Logger;
}

/** The records of a home, without those that cannot be read. */
export async function readRecords(records: SessionRecordStore, log: Logger): Promise<KeptRecord[]> {
  return records.all((name, reason) => log.warn({ name, reason }, "a broken record was removed"));
}

/**
 * Takes up the sessions that an earlier gateway of this home has left, as far as their sandboxes live. Sandboxes that no
 * record claims, and what else has no session, are removed. Sessions of another runtime are left alone.
 */
export async function adoptSessions(
  kept: readonly KeptRecord[],
  { runtime, sessions, takesUp, linksDirectory, runsDirectory, log }: AdoptionServices,
): Promise<void> {
  const isAdoptable = (one: KeptRecord): one is KeptRecord & { record: ReadyRecord } =>
    takesUp && isComplete(one);
  const foreign = kept.filter(({ record }) => record.runtime !== runtime.name);
  if (foreign.length > 0) {
    log.warn(
      {
        runtimes: [...new Set(foreign.map(({ record }) => record.runtime))],
        count: foreign.length,
      },
      "sessions of another runtime wait for a gateway that uses it",
    );
  }
  const own = kept.filter((one) => !foreign.includes(one));
  const adoptable = own.filter(isAdoptable);
  // Before the list: what happens to a sandbox from then on finds its session.
  for (const one of adoptable) sessions.adopt(one);
  const sandboxes = await runtime.list();
  const running = sandboxes.filter(({ state }) => state === "running");
  sessions.endLost(new Set(running.map(({ sandboxId }) => sandboxId)));
  if (adoptable.length > 0) log.info({ sessions: adoptable.length }, "taking up sessions");

  const unclaimed = sandboxes.filter(({ sandboxId }) => !sessions.claims(sandboxId));
  if (unclaimed.length > 0) {
    log.warn({ sandboxes: unclaimed.length }, "removing sandboxes without a session");
  }
  await Promise.all(unclaimed.map(({ sandboxId }) => runtime.destroy(sandboxId)));
  for (const one of own) {
    if (isAdoptable(one)) continue;
    await sessions.bury(one, endReason(one.ending) ?? "gateway_stopped");
  }
  const used = new Set([...adoptable, ...foreign].map(({ record }) => record.sandbox_id));
  await removeOthers(linksDirectory, (name) => used.has(name));
  await removeOthers(runsDirectory, (name) => used.has(name.split(".")[0] ?? ""));
}

function isComplete({ record, ending }: KeptRecord): boolean {
  return record.sandbox !== null && ending === null;
}

async function removeOthers(directory: string, keeps: (name: string) => boolean): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    if (!keeps(name)) await rm(join(directory, name), { recursive: true, force: true });
  }
}

/**
 * Makes the directory that holds the links. Sandboxes of the embedded runtime pass through it with user ids that the
 * host does not know; other users of the host are kept out by the home around it.
 */
export async function openLinksDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o711 });
  await chmod(directory, 0o711);
}
