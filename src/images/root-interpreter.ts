import { constants } from "node:fs";
import { access, readlink } from "node:fs/promises";
import { join } from "node:path";

/** What Debian calls this machine's architecture, and the loader of its programs. */
const ARCHITECTURES: Partial<Record<NodeJS.Architecture, { triplet: string; loader: string }>> = {
  x64: { triplet: "x86_64-linux-gnu", loader: "ld-linux-x86-64.so.2" },
  arm64: { triplet: "aarch64-linux-gnu", loader: "ld-linux-aarch64.so.1" },
};

export interface InterpreterCommand {
  command: string;
  /** Come before the interpreter's own arguments. */
  args: string[];
  /** All the variables that it needs. */
  env: Record<string, string>;
}

/**
 * How to run the Python of an image on disk on this machine, outside of any sandbox: by the root's own loader and
 * libraries, so nothing of the machine's but its kernel takes part.
 *
 * @param directory the image: its root file system is `directory/root`
 * @throws Error when the root has no interpreter or is not for this machine's architecture.
 */
export async function rootInterpreter(directory: string): Promise<InterpreterCommand> {
  const architecture = ARCHITECTURES[process.arch];
  if (!architecture)
    throw new Error(
      `images on disk run on x86_64 and aarch64 (Node calls them x64 and arm64); this machine is ${process.arch}`,
    );
  const root = join(directory, "root");
  const libraries = join(root, "usr/lib", architecture.triplet);
  const loader = join(libraries, architecture.loader);
  try {
    const interpreter = join(root, await readlink(join(root, "opt/hotcell/bin/python3")));
    for (const file of [loader, interpreter]) await access(file, constants.X_OK);
    return {
      command: loader,
      args: ["--inhibit-cache", "--library-path", libraries, interpreter],
      env: { PYTHONHOME: join(root, "usr") },
    };
  } catch (cause) {
    throw new Error(`the image ${directory} has no interpreter for ${architecture.triplet}`, {
      cause,
    });
  }
}
