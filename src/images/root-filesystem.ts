import { createWriteStream } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { makePartialDirectory, removeDirectory } from "./atomic-directory.js";
import { listFileTree } from "./file-tree.js";
import { fileTreeTar } from "./file-tree-tar.js";
import type { ImageDefinition } from "./image-definition.js";
import type { OnImageProgress } from "./image-progress.js";
import { ensureMmdebstrap, runMmdebstrap } from "./mmdebstrap.js";

interface RootFilesystemOptions {
  /** Holds the temporary files, about the size of the image, where this is root; otherwise the system's place does. */
  stateDirectory: string;
  onProgress: OnImageProgress;
  signal: AbortSignal;
}

/**
 * Makes the image's root file system from Debian packages, without any container engine, and writes it to
 * `output` as a tar archive, which it ends; on failure it destroys `output`. kerneld is not in it: that is
 * {@link loadKerneldLayer}.
 */
export async function writeRootFilesystem(
  definition: ImageDefinition,
  output: Writable,
  { stateDirectory, onProgress, signal }: RootFilesystemOptions,
): Promise<void> {
  const mode = await ensureMmdebstrap(onProgress, signal);
  // Mapped ids are not the user's: they may not pass through a home that is the user's alone.
  const parent = mode === "root" ? stateDirectory : tmpdir();
  await mkdir(parent, { recursive: true });
  const workDirectory = await makePartialDirectory(join(parent, "hotcell-root"));
  try {
    if (mode === "unshare") await chmod(workDirectory, 0o755);
    onProgress({ step: "resolving packages" });
    const files = listFileTree(definition.directory);
    await writeTar(join(workDirectory, "definition.tar"), files, signal);
    await writeTar(join(workDirectory, "overlay.tar"), overlay(files), signal);
    const { suite, packages } = definition;
    const what = { mode, suite, packages, workDirectory };
    await runMmdebstrap(output, { ...what, onProgress, signal });
  } finally {
    await removeDirectory(workDirectory);
  }
}

type Files = ReturnType<typeof listFileTree>;

/** What lies in the root before any package: the files of `rootfs/`, and the definition itself. */
function overlay(files: Files): Files {
  return files.flatMap((file) => {
    if (file.path.startsWith("rootfs/")) return [{ ...file, path: file.path.slice(7) }];
    if (file.path === "image.json") return [{ ...file, path: "opt/hotcell/image.json" }];
    return [];
  });
}

async function writeTar(path: string, files: Files, signal: AbortSignal): Promise<void> {
  await pipeline(await fileTreeTar(files), createWriteStream(path), { signal });
}
