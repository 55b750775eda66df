import { join } from "node:path";
import { listFileTree, type TreeFile } from "./file-tree.js";
import { digestFiles } from "./file-tree-digest.js";

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
    ...listFileTree(join(kerneldDirectory, "bin"), "opt/hotcell/bin/"),
    ...listFileTree(join(kerneldDirectory, "kerneld"), "opt/hotcell/kerneld/kerneld/"),
  ];
  return { files, digest: digestFiles(files) };
}

const COMPILE = ["-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"] as const;

/**
 * The command that compiles kerneld inside the root. Nothing changes the sources of a read-only root, so they
 * are not looked at when the compiled modules are loaded.
 */
export const COMPILE_KERNELD = [
  "/opt/hotcell/bin/python3",
  ...COMPILE,
  "/opt/hotcell/kerneld",
] as const;

/** What the root's interpreter is told to compile a layer that lies in `layer`, as if that were `/`. */
export function compileArguments(layer: string): string[] {
  return [...COMPILE, "-s", layer, "-p", "/", join(layer, "opt/hotcell/kerneld")];
}

export const KERNELD_ENTRYPOINT = "/opt/hotcell/bin/kerneld";
