import { chmod, rename, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { digestFiles } from "../../src/images/file-tree-digest.js";
import { listFileTree } from "../../src/images/file-tree.js";
import { temporaryDirectory } from "./temporary-directory.js";

const digest = async (directory: string): Promise<string> => digestFiles(listFileTree(directory));

describe("the digest of a file tree", () => {
  let files: Record<string, string>;
  beforeEach(() => {
    files = { "setup.sh": "true\n", "etc/pip.conf": "[global]\n", "etc/z": "" };
  });

  it("is the same for two trees of the same files, whenever and in whatever order they were written", async () => {
    const one = await temporaryDirectory(files);
    const other = await temporaryDirectory(Object.fromEntries(Object.entries(files).reverse()));
    await utimes(join(other, "setup.sh"), 1, 1);
    expect(await digest(other)).toBe(await digest(one));
  });

  it("stays when Python leaves its caches or the checkout another umask", async () => {
    const directory = await temporaryDirectory(files);
    const before = await digest(directory);
    await writeFile(join(directory, "stray.pyc"), "x");
    await chmod(join(directory, "setup.sh"), 0o664);
    expect(await digest(directory)).toBe(before);
    expect(await digest(await temporaryDirectory({ ...files, "a/__pycache__/b.txt": "x" }))).toBe(
      before,
    );
  });

  it.each<[string, (directory: string) => Promise<void>]>([
    ["a content changes", (directory) => writeFile(join(directory, "setup.sh"), "false\n")],
    ["a file becomes executable", (directory) => chmod(join(directory, "setup.sh"), 0o755)],
    [
      "a file is renamed",
      (directory) => rename(join(directory, "etc/z"), join(directory, "etc/y")),
    ],
    [
      "a file moves to another folder",
      (directory) => rename(join(directory, "etc/z"), join(directory, "z")),
    ],
    ["a file is added", (directory) => writeFile(join(directory, "new"), "")],
    ["a link is added", (directory) => symlink("setup.sh", join(directory, "link"))],
  ])("changes when %s", async (_, change) => {
    const directory = await temporaryDirectory(files);
    const before = await digest(directory);
    await change(directory);
    expect(await digest(directory)).not.toBe(before);
  });

  it("tells a link from a link to elsewhere", async () => {
    const [one, other] = [await temporaryDirectory(), await temporaryDirectory()];
    await symlink("a", join(one, "link"));
    await symlink("b", join(other, "link"));
    expect(await digest(one)).not.toBe(await digest(other));
  });
});
