import { join } from "node:path";
import type { Readable } from "node:stream";
import { listFileTree, type TreeFile } from "./file-tree.js";
import { digestFiles } from "./file-tree-digest.js";
import { fileTreeTar } from "./file-tree-tar.js";

/** The supervisor's files as they lie in every image, whatever made it. */
export interface KerneldLayer {
  files: TreeFile[];
  digest: string;
}

/**
 * Collects what `kerneldDirectory` (its `kerneld/` package and `bin/kerneld`) adds to an image. Paths are relative
 * to the image's root.
 */
export async function loadKerneldLayer(kerneldDirectory: string): Promise<KerneldLayer> {
  const files = [
    ...(await listFileTree(join(kerneldDirectory, "bin"), "opt/hotcell/bin/")),
    ...(await listFileTree(join(kerneldDirectory, "kerneld"), "opt/hotcell/kerneld/kerneld/")),
  ];
  return { files, digest: await digestFiles(files) };
}

/**
 * The layer as a tar archive, to be unpacked over a root file system. It holds sources alone: only the image's own
 * interpreter can compile them, with {@link COMPILE_KERNELD}.
 */
export async function kerneldLayer(kerneldDirectory: string): Promise<Readable> {
  return fileTreeTar((await loadKerneldLayer(kerneldDirectory)).files);
}

/**
 * The command that compiles kerneld inside the root. Nothing changes the sources of a read-only root, so they
 * are not looked at when the compiled modules are loaded.
 */
export const COMPILE_KERNELD = [
  "/opt/hotcell/bin/python3",
  ...["-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"],
  "/opt/hotcell/kerneld",
] as const;

export const KERNELD_ENTRYPOINT = "/opt/hotcell/bin/kerneld";
