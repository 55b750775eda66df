import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { findImageId } from "../images/base-image.js";
import { findRoot, type RootQuestion } from "../images/ensure-root.js";
import { imageReference } from "../images/image-reference.js";
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

/** The image in a container engine. Throws what the engine says. */
export async function engineImage(
  engine: Engine,
  { definition, kerneldDirectory, directory }: RootQuestion,
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
export async function diskImage(question: RootQuestion): Promise<ImageFacts> {
  const { definition, directory } = question;
  const free = await freeBytes(directory);
  try {
    const { reference, isThere } = await findRoot(question);
    const buildLacks = isThere ? null : await lackingForBuild();
    return { name: definition.name, reference, isThere, freeBytes: free, buildLacks };
  } catch (error) {
    const buildLacks =
      `this user may not look into ${directory}, where images are kept (${(error as Error).message}); ` +
      "name another directory as HOTCELL_IMAGES, or let this user in";
    return {
      name: definition.name,
      reference: directory,
      isThere: false,
      freeBytes: free,
      buildLacks,
    };
  }
}

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
