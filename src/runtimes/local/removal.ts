import { RuntimeError } from "../runtime.js";
import type { IdClaims } from "./id-claims.js";
import { isAlive, killProcess } from "./process-identity.js";
import type { Roster } from "./roster.js";
import { removeSandboxCgroups } from "./sandbox-cgroups.js";
import type { SandboxRecords } from "./sandbox-records.js";
import type { Zygotes } from "./zygotes.js";

/** How long a killed process may take to end, in a machine without memory or with a hanging disk. */
const PATIENCE_MS = 30_000;

/**
 * Ends a sandbox and removes all that its home has of it; its record goes last. Idempotent.
 * @throws RuntimeError `sandbox_stop_failed` when the kernel does not let go of it
 */
export async function removeSandbox(
  sandboxId: string,
  home: {
    records: SandboxRecords;
    claims: IdClaims;
    roster: Roster;
    zygotes: Pick<Zygotes, "cgroups">;
  },
): Promise<void> {
  const { records, claims, roster } = home;
  const known = roster.find(sandboxId);
  const record = known ?? (await records.read(sandboxId));
  const process = record?.process;
  if (process && isAlive(process)) {
    if (!known) {
      roster.learn(sandboxId, { ...record, process });
      roster.silence(sandboxId);
    }
    killProcess(process);
    await withinTime(roster.ended(sandboxId), sandboxId);
  }
  // Without a whole record, whatever carries its name.
  await removeSandboxCgroups(record?.cgroups ?? (await home.zygotes.cgroups()), sandboxId);
  const id = record?.id || (await claims.list()).get(sandboxId);
  if (id) await claims.release(sandboxId, id);
  await records.remove(sandboxId);
  roster.forget(sandboxId);
}

async function withinTime(ended: Promise<void>, sandboxId: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new RuntimeError(
          "sandbox_stop_failed",
          `The first process of the sandbox ${sandboxId} has not ended within ${PATIENCE_MS / 1000} s of being killed`,
        ),
      );
    }, PATIENCE_MS);
  });
  try {
    await Promise.race([ended, late]);
  } finally {
    clearTimeout(timer);
  }
}
