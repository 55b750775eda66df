import { chmod, copyFile, cp, mkdir, mkdtemp, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runChildProcess } from "../src/images/child-process.js";
import { compileArguments } from "../src/images/kerneld-layer.js";
import { rootInterpreter } from "../src/images/root-interpreter.js";

const JOURNAL_OFF = fileURLToPath(new URL("journal_off.py", import.meta.url));

/** A directory of images with one that is like another, but for a journal that keeps nothing. */
export interface ImagesWithoutJournal {
  directory: string;
  remove(): Promise<void>;
}

/** @param reference an image on disk; a gateway takes its copy for it, and runs kerneld from there */
export async function imagesWithoutJournal(
  reference: string,
  signal: AbortSignal,
): Promise<ImagesWithoutJournal> {
  const directory = await mkdtemp(join(tmpdir(), "hotcell-bench-images-"));
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    // Sandboxes pass through it under other ids.
    await chmod(directory, 0o711);
    const image = join(directory, basename(reference));
    const layer = join(image, "layer");
    await mkdir(image, { mode: 0o755 });
    await symlink(await realpath(join(reference, "root")), join(image, "root"));
    await cp(join(reference, "layer"), layer, { recursive: true, verbatimSymlinks: true });
    await copyFile(JOURNAL_OFF, join(layer, "opt/hotcell/kerneld/kerneld/journal.py"));
    const { command, args, env } = await rootInterpreter(image);
    await runChildProcess(command, [...args, ...compileArguments(layer), "-f"], { signal, env });
    await runChildProcess("chmod", ["-R", "a+rX", layer], { signal });
    return { directory, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
