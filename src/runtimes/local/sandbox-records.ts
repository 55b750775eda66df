import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { RuntimeError } from "../runtime.js";
import { isSandboxId } from "../sandbox-specification.js";
import { homeCgroup } from "./home-cgroups.js";

const sandboxRecord = z.object({
  /** The first process; null until it is known. */
  process: z.object({ pid: z.int().min(2), started: z.int().min(0) }).nullable(),
  /** The zygote that forks it, by the name of its directory. */
  zygote: z.string(),
  /** Its id in the home's block; 0 where there is none. */
  id: z.int().min(0),
  cgroups: z.array(homeCgroup),
});

/** What is needed to find and end a sandbox, whichever process made it. */
export type SandboxRecord = z.infer<typeof sandboxRecord>;

/** A home's records, one file a sandbox. Nothing is flushed to the disk: no sandbox outlives the machine's end. */
export interface SandboxRecords {
  /** Throws `sandbox_exists` when there is one already. */
  add(sandboxId: string, record: SandboxRecord): Promise<void>;
  replace(sandboxId: string, record: SandboxRecord): Promise<void>;
  /** Null for one that was never written to its end, undefined where there is none. */
  read(sandboxId: string): Promise<SandboxRecord | null | undefined>;
  list(): Promise<Map<string, SandboxRecord | null>>;
  /** Idempotent. */
  remove(sandboxId: string): Promise<void>;
}

export function sandboxRecords(directory: string): SandboxRecords {
  const file = (sandboxId: string): string => join(directory, `${sandboxId}.json`);
  const partial = (sandboxId: string): string => join(directory, `${sandboxId}.new`);

  async function read(sandboxId: string): Promise<SandboxRecord | null | undefined> {
    try {
      const text = await readFile(file(sandboxId), "utf8");
      return sandboxRecord.parse(JSON.parse(text) as unknown);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      if (error instanceof SyntaxError || error instanceof z.ZodError) return null;
      throw error;
    }
  }

  return {
    read,
    async add(sandboxId, record) {
      const write = (): Promise<void> =>
        writeFile(file(sandboxId), JSON.stringify(record), { flag: "wx", mode: 0o600 });
      try {
        await write().catch(async (error: unknown) => {
          if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
          await mkdir(directory, { recursive: true, mode: 0o700 });
          await write();
        });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
        throw new RuntimeError("sandbox_exists", `There is a sandbox ${sandboxId} already`, {
          cause: error,
        });
      }
    },
    async replace(sandboxId, record) {
      await writeFile(partial(sandboxId), JSON.stringify(record), { mode: 0o600 });
      await rename(partial(sandboxId), file(sandboxId));
    },
    async list() {
      const names = await readdir(directory).catch((error: unknown): string[] => {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
        throw error;
      });
      const records = new Map<string, SandboxRecord | null>();
      for (const sandboxId of new Set(names.map((name) => name.replace(/\.(json|new)$/, "")))) {
        if (!isSandboxId(sandboxId)) continue;
        const record = await read(sandboxId);
        // Gone between two looks, unless a half-written one is all that is there.
        if (record !== undefined) records.set(sandboxId, record);
        else if (names.includes(`${sandboxId}.new`)) records.set(sandboxId, null);
      }
      return records;
    },
    async remove(sandboxId) {
      await rm(partial(sandboxId), { force: true });
      await rm(file(sandboxId), { force: true });
    },
  };
}
