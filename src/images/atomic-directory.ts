import { chmod, mkdtemp, readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { runChildProcess } from "./child-process.js";

const PARTIAL = ".partial-";

/**
 * Makes a directory that is either whole at `path` or not there: `fill` gets an empty one beside it, which is moved to
 * `path` once its content is on the disk. One that was there keeps its files for whoever uses them, under the name
 * `path` with `.replaced-` and a random end.
 *
 * @throws whatever `fill` throws; then nothing has changed.
 */
export async function makeDirectory(
  path: string,
  fill: (partial: string) => Promise<void>,
): Promise<void> {
  const partial = await makePartialDirectory(path);
  try {
    await chmod(partial, 0o755);
    await fill(partial);
    await runToEnd("sync", ["-f", partial]);
    // A rename replaces an empty directory.
    if (await isDirectory(path)) await rename(path, await mkdtemp(`${path}.replaced-`));
    await rename(partial, path);
  } catch (error) {
    await removeDirectory(partial);
    throw error;
  }
}

/** Makes an empty directory beside `path`, of this user alone, that {@link removePartialDirectories} knows. */
export async function makePartialDirectory(path: string): Promise<string> {
  return mkdtemp(path + PARTIAL);
}

/** Removes what makers that were killed have left in `parent`; nobody may be making one there. */
export async function removePartialDirectories(parent: string): Promise<void> {
  for (const name of await readdir(parent))
    if (name.includes(PARTIAL)) await removeDirectory(join(parent, name));
}

/** Removes a directory, but for what is mounted in there: that belongs to the machine. */
export async function removeDirectory(path: string): Promise<void> {
  await runToEnd("rm", ["-rf", "--one-file-system", path]);
}

/** Whether there is a directory at `path`, or a link to one. */
export async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

async function runToEnd(command: string, args: readonly string[]): Promise<void> {
  await runChildProcess(command, args, { signal: new AbortController().signal });
}
