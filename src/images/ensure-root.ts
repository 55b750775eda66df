import { mkdir, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { isDirectory, makeDirectory, removePartialDirectories } from "./atomic-directory.js";
import { baseRootPath, buildBaseRoot, findBaseRoot, unpackArchive } from "./base-root.js";
import { withBuildLock } from "./build-lock.js";
import { runChildProcess } from "./child-process.js";
import { fileTreeTar } from "./file-tree-tar.js";
import type { ImageDefinition } from "./image-definition.js";
import type { OnImageProgress } from "./image-progress.js";
import { imageDigest } from "./image-reference.js";
import { compileArguments, loadKerneldLayer, type KerneldLayer } from "./kerneld-layer.js";
import { rootInterpreter } from "./root-interpreter.js";

/** An image for sandboxes without a container engine. */
export interface RootQuestion {
  definition: ImageDefinition;
  /** `kernel-images/kerneld`. */
  kerneldDirectory: string;
  /** Where images are kept on disk; absolute. Several processes may share it. */
  directory: string;
}

export interface FoundRoot {
  /** The directory of the image, also where it is not built yet. */
  reference: string;
  isThere: boolean;
}

export interface EnsureRootOptions extends RootQuestion {
  onProgress: OnImageProgress;
  signal: AbortSignal;
  /** Builds everything again, also when it is there: Debian's packages may have newer versions. */
  rebuild?: boolean;
}

export interface EnsuredRoot {
  /** The directory of the image: the root file system is `root` in it, kerneld's files `layer`. */
  reference: string;
  /** Whether it was not there before. */
  built: boolean;
}

/**
 * Looks for the image of this definition with this kerneld in it, and builds nothing.
 * @throws what the file system says, save that there is nothing
 */
export async function findRoot(question: RootQuestion): Promise<FoundRoot> {
  return find(question, await loadKerneldLayer(question.kerneldDirectory));
}

async function find(
  { definition, directory }: RootQuestion,
  kerneld: KerneldLayer,
): Promise<FoundRoot> {
  const reference = join(directory, `${definition.name}-${imageDigest(definition, kerneld)}`);
  const isThere =
    (await isDirectory(join(reference, "root"))) && (await isDirectory(join(reference, "layer")));
  return { reference, isThere };
}

/**
 * Makes sure that the image of this definition with this kerneld in it is on the disk, for sandboxes without a container
 * engine. Like {@link ensureImage}, it builds only what has changed, and leaves older images alone: the root file
 * system is below `roots`, and each image links to its root and has kerneld's compiled files beside it.
 *
 * @throws Error that says what this machine lacks for a build, or what failed in it.
 */
export async function ensureRoot(options: EnsureRootOptions): Promise<EnsuredRoot> {
  const { definition, directory, onProgress, signal, rebuild = false } = options;
  const kerneld = await loadKerneldLayer(options.kerneldDirectory);
  const { reference, isThere } = await find(options, kerneld);
  if (!rebuild && isThere) return { reference, built: false };

  await mkdir(join(directory, "roots"), { recursive: true, mode: 0o700 });
  const lock = join(directory, "build.lock");
  const onWait = (): void => onProgress({ step: "waiting for another build to end" });
  return withBuildLock(lock, { signal, onWait }, async () => {
    if (!rebuild && (await find(options, kerneld)).isThere) return { reference, built: false };
    for (const parent of [directory, join(directory, "roots")])
      await removePartialDirectories(parent);
    try {
      if (rebuild || !(await findBaseRoot(directory, definition)))
        await buildBaseRoot(definition, options);
      onProgress({ step: "adding kerneld" });
      const root = baseRootPath(directory, definition);
      await makeDirectory(reference, (image) => addKerneld(image, root, kerneld, options));
    } catch (error) {
      throw namingFullDisk(error, directory);
    }
    return { reference, built: true };
  });
}

async function addKerneld(
  image: string,
  root: string,
  kerneld: KerneldLayer,
  { signal }: EnsureRootOptions,
): Promise<void> {
  await symlink(relative(image, root), join(image, "root"));
  const layer = join(image, "layer");
  await mkdir(layer);
  await unpackArchive(await fileTreeTar(kerneld.files), layer, signal);
  const { command, args, env } = await rootInterpreter(image);
  await runChildProcess(command, [...args, ...compileArguments(layer)], { signal, env });
  // Whatever the umask: sandboxes read it under other ids.
  await runChildProcess("chmod", ["-R", "a+rX", layer], { signal });
}

/** A full disk in the words of the programs that met it. */
function namingFullDisk(error: unknown, directory: string): unknown {
  if (!(error instanceof Error) || !/No space left on device|ENOSPC/.test(error.message))
    return error;
  return new Error(
    `the disk is full: an image needs about 1 GB below ${directory}, and another while it is built, there or in ` +
      tmpdir(),
    { cause: error },
  );
}
