import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { TreeFile } from "./file-tree.js";

/** Hexadecimal digest over paths, executable bits and contents; the same on every machine. */
export function digestFiles(files: readonly TreeFile[]): string {
  const entries: string[][] = [];
  for (const file of files) {
    if (file.kind === "symlink") entries.push([file.path, "symlink", file.target]);
    else {
      const content = createHash("sha256").update(readFileSync(file.source));
      entries.push([file.path, file.mode.toString(8), content.digest("hex")]);
    }
  }
  return digestParts(entries);
}

/** Hexadecimal digest over a value, 64 bits long: enough to tell versions of our own images apart. */
export function digestParts(parts: unknown): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}
