import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeDirectory, removePartialDirectories } from "../../src/images/atomic-directory.js";
import { temporaryDirectory } from "./temporary-directory.js";

describe("a directory that is whole or not there", () => {
  it("is not there while it is filled, and is alone when it is", async () => {
    const parent = await temporaryDirectory();
    await makeDirectory(join(parent, "image"), async (partial) => {
      await writeFile(join(partial, "file"), "content");
      expect(await readdir(parent)).not.toContain("image");
    });
    expect(await readdir(parent)).toEqual(["image"]);
    expect(await readFile(join(parent, "image/file"), "utf8")).toBe("content");
  });

  it("leaves nothing when filling it fails", async () => {
    const parent = await temporaryDirectory({ "image/file": "old" });
    const made = makeDirectory(join(parent, "image"), async (partial) => {
      await writeFile(join(partial, "file"), "half");
      throw new Error("no disk");
    });
    await expect(made).rejects.toThrow("no disk");
    expect(await readdir(parent)).toEqual(["image"]);
    expect(await readFile(join(parent, "image/file"), "utf8")).toBe("old");
  });

  it("takes the place of one whose files somebody still uses", async () => {
    const parent = await temporaryDirectory({ "image/file": "old" });
    await makeDirectory(join(parent, "image"), (partial) =>
      writeFile(join(partial, "file"), "new"),
    );
    const [current, replaced] = (await readdir(parent)).sort();
    expect(current).toBe("image");
    expect(replaced).toMatch(/^image\.replaced-/);
    expect(await readFile(join(parent, "image/file"), "utf8")).toBe("new");
    expect(await readFile(join(parent, replaced ?? "", "file"), "utf8")).toBe("old");
  });

  it("is rid of what a killed maker has left", async () => {
    const parent = await temporaryDirectory({ "image.partial-aBc123/deep/file": "half" });
    await mkdir(join(parent, "image"));
    await removePartialDirectories(parent);
    expect(await readdir(parent)).toEqual(["image"]);
  });
});
