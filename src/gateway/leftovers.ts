import { chmod, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import type { Runtime } from "../runtimes/runtime.js";
import type { SessionRecordFiles } from "../sessions/session-record.js";

/** Ends what an earlier gateway of this home has left: its sessions are lost with it. */
export async function removeLeftovers(
  runtime: Runtime,
  records: SessionRecordFiles,
  linksDirectory: string,
  log: Logger,
): Promise<void> {
  const sandboxes = await runtime.list();
  if (sandboxes.length > 0)
    log.warn({ sandboxes: sandboxes.length }, "removing sandboxes of an earlier gateway");
  await Promise.all(sandboxes.map(({ sandboxId }) => runtime.destroy(sandboxId)));
  const kept = await records.all((name, reason) =>
    log.warn({ name, reason }, "removing a broken record"),
  );
  await Promise.all(kept.map((record) => records.remove(record.sandbox_id)));
  await openLinksDirectory(linksDirectory);
  for (const name of await readdir(linksDirectory)) {
    await rm(join(linksDirectory, name), { recursive: true, force: true });
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
