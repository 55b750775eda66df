import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const recordSchema = z.strictObject({
  version: z.literal(1),
  tenant: z.string(),
  id: z.string(),
  sandbox_id: z.string(),
  created_at: z.iso.datetime(),
  options_sha256: z.string(),
  metadata: z.record(z.string(), z.string()),
  lifetime: z.strictObject({ ttl_s: z.number().nullable(), idle_s: z.number() }),
  /** Proof of the sandbox's identity, from its first hello on. */
  enrolment: z.strictObject({ key: z.string(), boot: z.string() }).nullable(),
});

/** What of a session outlives the gateway's process. It holds the link's key, so it is for the gateway alone. */
export type SessionRecord = z.output<typeof recordSchema>;

/** Where session records are kept. */
export interface SessionRecordStore {
  /** All readable records; unreadable ones are reported to `onBroken` and left out. */
  all(onBroken: (name: string, reason: string) => void): Promise<SessionRecord[]>;
  /** Resolves when the record would survive a loss of power. */
  put(record: SessionRecord): Promise<void>;
  /** Idempotent. */
  remove(sandboxId: string): Promise<void>;
}

/** One JSON file per session, named after its sandbox, written beside and renamed. */
export class SessionRecordFiles implements SessionRecordStore {
  constructor(private readonly directory: string) {}

  async all(onBroken: (name: string, reason: string) => void): Promise<SessionRecord[]> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const records: SessionRecord[] = [];
    for (const name of await readdir(this.directory)) {
      const path = join(this.directory, name);
      if (!name.endsWith(".json")) {
        await rm(path, { force: true });
        continue;
      }
      try {
        records.push(recordSchema.parse(JSON.parse(await readFile(path, "utf8"))));
      } catch (error) {
        onBroken(path, (error as Error).message);
      }
    }
    return records;
  }

  async put(record: SessionRecord): Promise<void> {
    const path = this.#path(record.sandbox_id);
    const draft = `${path}.draft`;
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const file = await open(draft, "w", 0o600);
    try {
      await file.writeFile(JSON.stringify(record));
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  }

  async remove(sandboxId: string): Promise<void> {
    await rm(this.#path(sandboxId), { force: true });
  }

  #path(sandboxId: string): string {
    return join(this.directory, `${sandboxId}.json`);
  }
}

/** A digest that tells whether two requests ask for the same options, whatever the order of their fields. */
export function optionsDigest(options: unknown): string {
  const canonical = JSON.stringify(options, (_key, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return createHash("sha256").update(canonical).digest("hex");
}
