import { randomInt } from "node:crypto";
import { mkdir, readdir, readlink, symlink, unlink } from "node:fs/promises";
import { join } from "node:path";
import { RuntimeError } from "../runtime.js";
import type { IdBlock } from "./id-block.js";

/** Which of a home's ids belongs to which sandbox: symbolic links, named by the id and pointing to the sandbox's. */
export interface IdClaims {
  /** Gives a sandbox an id that no other has, counted from the block's first; 0 where there is no block. */
  claim(sandboxId: string): Promise<number>;
  /** Idempotent; leaves an id that is another sandbox's by now. */
  release(sandboxId: string, id: number): Promise<void>;
  /** All sandboxes with an id. */
  list(): Promise<Map<string, number>>;
}

const ATTEMPTS = 1000;

/**
 * An id is never shared because the kernel counts inotify instances, pipe pages, pending signals and locked memory per
 * user id, across sandboxes. Id 0 is the zygote's own.
 */
export function idClaims(directory: string, ids: () => Promise<IdBlock | undefined>): IdClaims {
  const owner = async (id: number): Promise<string | undefined> =>
    readlink(join(directory, String(id))).catch(() => undefined);
  return {
    async claim(sandboxId) {
      const block = await ids();
      if (!block) return 0;
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const id = randomInt(1, block.count);
        try {
          await symlink(sandboxId, join(directory, String(id)));
          return id;
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          if (code === "ENOENT") await mkdir(directory, { recursive: true, mode: 0o700 });
          else if (code !== "EEXIST") throw error;
        }
      }
      throw new RuntimeError(
        "sandbox_start_failed",
        "All user ids of this home belong to sandboxes: end some",
      );
    },
    async release(sandboxId, id) {
      if (id === 0 || (await owner(id)) !== sandboxId) return;
      await unlink(join(directory, String(id))).catch(ignoreAbsent);
    },
    async list() {
      const names = await readdir(directory).catch(() => []);
      const claims = new Map<string, number>();
      for (const name of names) {
        const sandboxId = await owner(Number(name));
        if (sandboxId !== undefined) claims.set(sandboxId, Number(name));
      }
      return claims;
    },
  };
}

function ignoreAbsent(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}
