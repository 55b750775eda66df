import { execFile } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, realpath, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** The image where every user may read it, wherever the tests' own is. Needs root. */
export interface PublicImage {
  directory: string;
  remove(): Promise<void>;
}

export async function publicImage(image: string): Promise<PublicImage> {
  const directory = await mkdtemp("/tmp/hotcell-image-");
  const root = join(directory, "root");
  await chmod(directory, 0o755);
  await mkdir(root);
  await execute("mount", ["--bind", await realpath(join(image, "root")), root]);
  await cp(join(image, "layer"), join(directory, "layer"), { recursive: true });
  return {
    directory,
    async remove() {
      await execute("umount", ["--lazy", root]);
      // Never through a mount that has stayed.
      await rmdir(root);
      await rm(directory, { recursive: true });
    },
  };
}
