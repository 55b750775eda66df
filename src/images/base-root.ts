import { chmod, mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { transferArchive } from "./archive-transfer.js";
import { isDirectory, makeDirectory } from "./atomic-directory.js";
import { runChildProcess } from "./child-process.js";
import type { ImageDefinition } from "./image-definition.js";
import type { OnImageProgress } from "./image-progress.js";
import { baseDigest } from "./image-reference.js";
import { writeRootFilesystem } from "./root-filesystem.js";

interface BaseRootOptions {
  /** Where images are kept on disk. */
  directory: string;
  onProgress: OnImageProgress;
  signal: AbortSignal;
}

/** Where the unpacked root of this definition without kerneld is, once it is built. */
export function baseRootPath(directory: string, definition: ImageDefinition): string {
  return join(directory, "roots", `${definition.name}-${baseDigest(definition)}`);
}

/** The unpacked root of this definition, when it is there. */
export async function findBaseRoot(
  directory: string,
  definition: ImageDefinition,
): Promise<string | undefined> {
  const path = baseRootPath(directory, definition);
  return (await isDirectory(path)) ? path : undefined;
}

/** Builds the root of this definition from Debian packages, again if it is there, and unpacks it. */
export async function buildBaseRoot(
  definition: ImageDefinition,
  { directory, onProgress, signal }: BaseRootOptions,
): Promise<void> {
  const path = baseRootPath(directory, definition);
  // The root has directories that everybody may write into, as Debian makes them: others must not get that far.
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await makeDirectory(path, async (partial) => {
    await transferArchive({
      write: (output, either) =>
        writeRootFilesystem(definition, output, {
          stateDirectory: directory,
          onProgress,
          signal: either,
        }),
      read: (input, either) => unpackArchive(input, partial, either),
      step: "unpacking",
      onProgress,
      signal,
    });
    // kerneld's layer is mounted here.
    const mountPoint = join(partial, "opt/hotcell/kerneld");
    await mkdir(mountPoint, { recursive: true });
    await chmod(mountPoint, 0o755);
  });
}

/**
 * Unpacks a tar archive below `directory`, with owners where this is root; otherwise everything belongs to this
 * user. Device nodes are left out: only root could make them, and sandboxes have a /dev of their own.
 */
export async function unpackArchive(
  archive: Readable,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const owner = process.getuid?.() === 0 ? "--same-owner" : "--no-same-owner";
  const args = ["--extract", "--file=-", `--directory=${directory}`, "--exclude=./dev/*"];
  const modes = ["--same-permissions", "--numeric-owner", owner];
  await runChildProcess("tar", [...args, ...modes], { signal, stdin: archive });
}

/** Writes an unpacked root to `output` as a tar archive, which it ends; everything is root's if nothing there is. */
export async function packBaseRoot(
  root: string,
  output: Writable,
  signal: AbortSignal,
): Promise<void> {
  const owner = (await stat(root)).uid === 0 ? [] : ["--owner=0", "--group=0"];
  const args = ["--create", "--file=-", `--directory=${root}`, "--numeric-owner", ...owner, "."];
  await runChildProcess("tar", args, { signal, stdout: output });
}
