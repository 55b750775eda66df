import { stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { findImageId } from "../images/base-image.js";
import type { ImageDefinition } from "../images/image-definition.js";
import { imageDigest, imageReference } from "../images/image-reference.js";
import { loadKerneldLayer } from "../images/kerneld-layer.js";
import { onPath } from "../images/program-path.js";
import { checkSubordinateIds } from "../images/subordinate-ids.js";
import type { Engine } from "../runtimes/docker/engine.js";

/** Whether a runtime has the image that sandboxes are made from. */
export interface ImageFacts {
  /** As in `hotcell images build NAME`. */
  name: string;
  /** As the runtime names it. */
  reference: string;
  isThere: boolean;
  /** Bytes that are free where images are kept on the disk; null where that cannot be asked. */
  freeBytes: number | null;
  /** What a build lacks here, with the remedy; null where nothing shows. */
  buildLacks: string | null;
}

interface ImageQuestion {
  definition: ImageDefinition;
  /** `kernel-images/kerneld`. */
  kerneldDirectory: string;
  /** Where images are kept on the disk. */
  directory: string;
}

/** The image in a container engine. Throws what the engine says. */
export async function engineImage(
  engine: Engine,
  { definition, kerneldDirectory, directory }: ImageQuestion,
  signal: AbortSignal,
): Promise<ImageFacts> {
  const reference = imageReference(definition, await loadKerneldLayer(kerneldDirectory));
  const found = await engine.call(() => findImageId(engine.docker, reference), { signal });
  return {
    name: definition.name,
    reference,
    isThere: found !== undefined,
    freeBytes: await freeBytes(directory),
    // The engine, or a registry, may have what it takes.
    buildLacks: null,
  };
}

/** The image on the disk, for sandboxes without a container engine. */
export async function diskImage({
  definition,
  kerneldDirectory,
  directory,
}: ImageQuestion): Promise<ImageFacts> {
  const digest = imageDigest(definition, await loadKerneldLayer(kerneldDirectory));
  const reference = join(directory, `${definition.name}-${digest}`);
  const isThere =
    (await isDirectory(join(reference, "root"))) && (await isDirectory(join(reference, "layer")));
  return {
    name: definition.name,
    reference,
    isThere,
    freeBytes: await freeBytes(directory),
    buildLacks: isThere ? null : await lackingForBuild(),
  };
}

const isDirectory = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** On the file system where `directory` is, or would be made. */
async function freeBytes(directory: string): Promise<number | null> {
  for (let path = directory; ; path = dirname(path)) {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch {
      if (path === dirname(path)) return null;
    }
  }
}

async function lackingForBuild(): Promise<string | null> {
  const isRoot = process.getuid?.() === 0;
  const mayInstall = isRoot && (await onPath("apt-get"));
  if (!(await onPath("mmdebstrap")) && !mayInstall) {
    return (
      "the image is built from Debian packages by mmdebstrap, which is not installed; on Debian and Ubuntu run: " +
      "sudo apt-get install mmdebstrap debian-archive-keyring gpg uidmap"
    );
  }
  if (isRoot) return null;
  return checkSubordinateIds().then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}
