import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { UidPair } from "../runtime.js";

/** Directories on the host, one a sandbox, with the files that name its user ids. Nothing in a sandbox can write there. */
export interface IdentityFiles {
  /** Writes a sandbox's `passwd` and `group`; their directory must not be there yet (`EEXIST`). */
  write(sandboxId: string, uids: UidPair): Promise<{ passwd: string; group: string }>;
  /** Idempotent. */
  remove(sandboxId: string): Promise<void>;
  list(): Promise<string[]>;
}

export function identityFiles(directory: string): IdentityFiles {
  return {
    async write(sandboxId, uids) {
      const own = join(directory, sandboxId);
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await mkdir(own, { mode: 0o755 });
      const files = { passwd: join(own, "passwd"), group: join(own, "group") };
      await Promise.all([
        writeFile(files.passwd, passwd(uids), { mode: 0o644 }),
        writeFile(files.group, group(uids), { mode: 0o644 }),
      ]);
      return files;
    },
    async remove(sandboxId) {
      await rm(join(directory, sandboxId), { recursive: true, force: true });
    },
    async list() {
      try {
        return await readdir(directory);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
        throw error;
      }
    },
  };
}

const passwd = (uids: UidPair): string =>
  [
    "root:x:0:0:root:/:/usr/sbin/nologin",
    `user:x:${uids.user}:${uids.user}:user:/workspace:/bin/sh`,
    `kerneld:x:${uids.kerneld}:${uids.kerneld}:kerneld:/run/kerneld:/usr/sbin/nologin`,
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
    "",
  ].join("\n");

const group = (uids: UidPair): string =>
  ["root:x:0:", `user:x:${uids.user}:`, `kerneld:x:${uids.kerneld}:`, "nogroup:x:65534:", ""].join(
    "\n",
  );
