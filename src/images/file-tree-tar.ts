import { readFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { pack } from "tar-stream";
import type { TreeFile } from "./file-tree.js";

/** A tar archive of files: everything root's, with fixed times, so that equal trees give equal archives. */
export async function fileTreeTar(
  files: readonly TreeFile[],
  texts: Readonly<Record<string, string>> = {},
): Promise<Readable> {
  const archive = pack();
  const mtime = new Date(0);
  for (const file of files) {
    if (file.kind === "symlink")
      archive.entry({ name: file.path, type: "symlink", linkname: file.target, mtime });
    else archive.entry({ name: file.path, mode: file.mode, mtime }, await readFile(file.source));
  }
  for (const [name, text] of Object.entries(texts))
    archive.entry({ name, mode: 0o644, mtime }, text);
  archive.finalize();
  return Readable.from(archive, { objectMode: false });
}
