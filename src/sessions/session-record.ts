import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { mkdir, readdir, rename, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeAtomically } from "../atomic-file.js";
import type { RuntimeName } from "../runtimes/runtime.js";
import type { Enrolment } from "../sandboxes/hello.js";
import { type SandboxFacts, sandboxFactsSchema } from "./sandbox-facts.js";
import type { SessionIdentity } from "./session-identity.js";

const recordSchema = z.strictObject({
  version: z.literal(2),
  tenant: z.string(),
  id: z.string(),
  sandbox_id: z.string().regex(/^[a-z0-9]{20}$/),
  runtime: z.enum(["docker", "local", "kubernetes"]),
  image: z.string(),
  created_at: z.iso.datetime(),
  options_sha256: z.string(),
  limits: z.strictObject({
    cpu: z.number().optional(),
    gpu: z.number().optional(),
    memoryBytes: z.number().optional(),
    pids: z.number().optional(),
    diskBytes: z.number().optional(),
  }),
  isolation: z.enum(["standard", "strong"]),
  metadata: z.record(z.string(), z.string()),
  lifetime: z.strictObject({ ttl_s: z.number().nullable(), idle_s: z.number() }),
  /** What executions get that do not say. */
  defaults: z.strictObject({ timeout_s: z.number(), grace_s: z.number() }),
  /** Proof of the sandbox's identity. */
  enrolment: z.strictObject({ key: z.string(), boot: z.string() }),
  /** What it was started as; null until the start was complete, and with that its client's to use. */
  sandbox: sandboxFactsSchema.nullable(),
});

/**
 * What of a session outlives the gateway's process. It holds the link's key, so it is for the gateway alone; what the
 * session's code was given in its environment is not in it.
 */
export type SessionRecord = z.output<typeof recordSchema>;

/** The record of a session that could be used. */
export type ReadyRecord = SessionRecord & { sandbox: SandboxFacts };

/** A record as it was found. */
export interface KeptRecord {
  record: SessionRecord;
  /** When the session was last known to be active, in milliseconds since the epoch. */
  activeAt: number;
  /** Its end had begun, for this reason: its clients may have been told. */
  ending: string | null;
}

/** Where session records are kept. */
export interface SessionRecordStore {
  /** All readable records; unreadable ones are reported to `onBroken` and removed. */
  all(onBroken: (name: string, reason: string) => void): Promise<KeptRecord[]>;
  /** Resolves when the record would survive the gateway's process. */
  put(record: SessionRecord): Promise<void>;
  /** Notes when a session was last active. Does nothing where there is no record. */
  touch(sandboxId: string, activeAt: Date): Promise<void>;
  /** Notes that the session ends, before anybody is told. Does nothing where there is no record. */
  ending(sandboxId: string, reason: string): Promise<void>;
  /** Idempotent. */
  remove(sandboxId: string): Promise<void>;
}

const NAME = /^([a-z0-9]{20})(?:\.ending-([a-z_]{1,64}))?\.json$/;

/** One JSON file per session, named after its sandbox; the file's time is when the session was last active. */
export class SessionRecordFiles implements SessionRecordStore {
  constructor(private readonly directory: string) {}

  async all(onBroken: (name: string, reason: string) => void): Promise<KeptRecord[]> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const kept: KeptRecord[] = [];
    for (const name of await readdir(this.directory)) {
      const path = join(this.directory, name);
      const [, sandboxId, ending] = NAME.exec(name) ?? [];
      try {
        if (sandboxId === undefined) throw new Error("is not a record");
        // Clients wait for the start: through the thread pool, a small file takes ten times as long.
        const record = recordSchema.parse(JSON.parse(readFileSync(path, "utf8")));
        if (record.sandbox_id !== sandboxId) throw new Error("is the record of another sandbox");
        kept.push({ record, activeAt: statSync(path).mtimeMs, ending: ending ?? null });
      } catch (error) {
        if (!name.endsWith(".draft")) onBroken(path, (error as Error).message);
        await rm(path, { recursive: true, force: true });
      }
    }
    return kept;
  }

  put(record: SessionRecord): Promise<void> {
    return writeAtomically(this.#path(record.sandbox_id), JSON.stringify(record));
  }

  async touch(sandboxId: string, activeAt: Date): Promise<void> {
    await utimes(this.#path(sandboxId), activeAt, activeAt).catch(ignoreAbsent);
  }

  async ending(sandboxId: string, reason: string): Promise<void> {
    const path = this.#path(sandboxId);
    await rename(path, join(this.directory, `${sandboxId}.ending-${reason}.json`)).catch(
      ignoreAbsent,
    );
  }

  async remove(sandboxId: string): Promise<void> {
    const names = await readdir(this.directory).catch(() => []);
    for (const name of names) {
      if (NAME.exec(name)?.[1] === sandboxId) await rm(join(this.directory, name), { force: true });
    }
  }

  #path(sandboxId: string): string {
    return join(this.directory, `${sandboxId}.json`);
  }
}

/** The record of a session; without facts while its start is not complete. */
export function recordOf(
  identity: SessionIdentity,
  runtime: RuntimeName,
  enrolment: Enrolment,
  sandbox: SandboxFacts | null,
): SessionRecord {
  return {
    version: 2,
    tenant: identity.tenant,
    id: identity.id,
    sandbox_id: identity.sandboxId,
    runtime,
    image: identity.image,
    created_at: identity.createdAt.toISOString(),
    options_sha256: identity.optionsDigest,
    limits: identity.limits,
    isolation: identity.isolation,
    metadata: identity.metadata,
    lifetime: identity.lifetime,
    defaults: identity.defaults,
    enrolment: { key: enrolment.key, boot: enrolment.boot },
    sandbox,
  };
}

/** The session that a record is of. */
export function identityOf(record: SessionRecord): SessionIdentity {
  return {
    id: record.id,
    tenant: record.tenant,
    sandboxId: record.sandbox_id,
    image: record.image,
    limits: record.limits,
    isolation: record.isolation,
    lifetime: record.lifetime,
    metadata: record.metadata,
    defaults: record.defaults,
    optionsDigest: record.options_sha256,
    createdAt: new Date(record.created_at),
  };
}

function ignoreAbsent(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
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
