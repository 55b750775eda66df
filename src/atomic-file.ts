import { randomBytes } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** What a draft's name ends with: one that a crash has left is nobody's. */
export const DRAFT_SUFFIX = ".draft";

/**
 * Writes a file (mode 0600) so that whoever opens it finds the old content or the new one whole, whenever this process
 * is killed. Makes the directory (0700) where it is missing. Flushed to the disk only where `flush` says so: what
 * describes sandboxes ends with the machine that they run on.
 */
export async function writeAtomically(
  path: string,
  content: string,
  options: { flush?: boolean } = {},
): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString("hex")}${DRAFT_SUFFIX}`;
  const write = (): Promise<void> =>
    writeFile(draft, content, { mode: 0o600, flag: "wx", flush: options.flush === true });
  try {
    await write().catch(async (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await write();
    });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
