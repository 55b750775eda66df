import type { SandboxSummary } from "../runtime.js";
import { sandboxesWithCgroup } from "./home-cgroups.js";
import type { IdClaims } from "./id-claims.js";
import { isAlive } from "./process-identity.js";
import type { StartedRecord } from "./roster.js";
import type { SandboxRecords } from "./sandbox-records.js";
import type { Zygotes } from "./zygotes.js";

export interface Listing {
  summaries: SandboxSummary[];
  running: Map<string, StartedRecord>;
}

/** All sandboxes of a home, and what is left of others: records without a process, ids and cgroups without a record. */
export async function listSandboxes(home: {
  records: Pick<SandboxRecords, "list">;
  claims: Pick<IdClaims, "list">;
  zygotes: Pick<Zygotes, "cgroups">;
}): Promise<Listing> {
  const look = async (): Promise<Set<string>> => {
    const [claimed, grouped] = await Promise.all([
      home.claims.list(),
      home.zygotes.cgroups().then(sandboxesWithCgroup),
    ]);
    return new Set([...claimed.keys(), ...grouped]);
  };
  // Records last: they are there before, and after, everything else of a sandbox.
  const traces = await look();
  const records = await home.records.list();
  const states = new Map<string, SandboxSummary["state"]>();
  const unrecorded = [...traces].filter((sandboxId) => !records.has(sandboxId));
  if (unrecorded.length > 0) {
    // Others were just being removed.
    const still = await look();
    for (const sandboxId of unrecorded) {
      if (still.has(sandboxId)) states.set(sandboxId, "incomplete");
    }
  }
  const running = new Map<string, StartedRecord>();
  for (const [sandboxId, record] of records) {
    if (!record?.process) states.set(sandboxId, "incomplete");
    else if (isAlive(record.process)) {
      states.set(sandboxId, "running");
      running.set(sandboxId, { ...record, process: record.process });
    } else states.set(sandboxId, "exited");
  }
  return {
    summaries: [...states].map(([sandboxId, state]) => ({ sandboxId, state })),
    running,
  };
}
