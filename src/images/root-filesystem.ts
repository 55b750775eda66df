import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { runChildProcess } from "./child-process.js";
import { listFileTree } from "./file-tree.js";
import { fileTreeTar } from "./file-tree-tar.js";
import type { ImageDefinition } from "./image-definition.js";
import type { OnImageProgress } from "./image-progress.js";
import { ensureMmdebstrap, runMmdebstrap } from "./mmdebstrap.js";

interface RootFilesystemOptions {
  /** Holds the temporary files: about the size of the image. */
  stateDirectory: string;
  onProgress: OnImageProgress;
  signal: AbortSignal;
}

/**
 * Makes the image's root file system from Debian packages, without any container engine, and writes it to
 * `output` as a tar archive, which it ends; on failure it destroys `output`. kerneld is not in it: that is
 * {@link kerneldLayer}.
 */
export async function writeRootFilesystem(
  definition: ImageDefinition,
  output: Writable,
  { stateDirectory, onProgress, signal }: RootFilesystemOptions,
): Promise<void> {
  await ensureMmdebstrap(onProgress, signal);
  await mkdir(stateDirectory, { recursive: true });
  const workDirectory = await mkdtemp(join(stateDirectory, "root-"));
  try {
    onProgress({ step: "resolving packages" });
    const files = await listFileTree(definition.directory);
    await writeTar(join(workDirectory, "definition.tar"), files, signal);
    await writeTar(join(workDirectory, "overlay.tar"), overlay(files), signal);
    const { suite, packages } = definition;
    await runMmdebstrap(output, { suite, packages, workDirectory, onProgress, signal });
  } finally {
    // What a killed mmdebstrap may have left mounted in there belongs to the machine, so it is not descended into.
    await runChildProcess("rm", ["-rf", "--one-file-system", workDirectory], {
      signal: new AbortController().signal,
    });
  }
}

type Files = Awaited<ReturnType<typeof listFileTree>>;

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
