import { createHash } from "node:crypto";
import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { homeCgroup } from "./home-cgroups.js";

const zygoteRecord = z.object({
  pid: z.int().min(2),
  /** Field 22 of `/proc/<pid>/stat`. */
  started: z.int().min(0),
  /** What it was made of, in full: its directory's name holds no more than a digest. */
  making: z.string(),
  cgroups: z.array(homeCgroup),
});

export type ZygoteRecord = z.infer<typeof zygoteRecord>;

/** A zygote that was launched, alive or not. */
export interface Zygote {
  /** Of its directory, below that of all. */
  name: string;
  directory: string;
  record: ZygoteRecord;
}

/** A prefix of the directories of zygotes made of the same. Short, for sockets are in there. */
export const zygotePrefix = (making: string): string =>
  createHash("sha256").update(making).digest("hex").slice(0, 8);

export async function writeZygoteRecord(directory: string, record: ZygoteRecord): Promise<void> {
  await writeFile(join(directory, "zygote.new"), JSON.stringify(record), { mode: 0o600 });
  await rename(join(directory, "zygote.new"), join(directory, "zygote.json"));
}

/** Undefined for one whose launch did not come to its end. */
export async function readZygote(parent: string, name: string): Promise<Zygote | undefined> {
  const directory = join(parent, name);
  try {
    const text = await readFile(join(directory, "zygote.json"), "utf8");
    return { name, directory, record: zygoteRecord.parse(JSON.parse(text) as unknown) };
  } catch {
    return undefined;
  }
}

/** The names of the directories in `parent` that are zygotes'. */
export async function zygoteNames(parent: string): Promise<string[]> {
  const names = await readdir(parent).catch(() => []);
  return names.filter((name) => /^[0-9a-f]{8}-[0-9a-f]{4}$/.test(name));
}
