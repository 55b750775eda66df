import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findDefinitions, loadImageDefinition } from "../../src/images/image-definition.js";
import { temporaryDirectory } from "./temporary-directory.js";

const image = {
  name: "tiny",
  description: "A test",
  suite: "trixie",
  languages: [{ name: "python", version: "3.13", kernel: "python3" }],
  env: { LANG: "C.UTF-8" },
};
const valid = { "image.json": JSON.stringify(image), "packages.txt": "# why\n\npython3\ngit\n" };

describe("an image definition", () => {
  it("gives the image's facts and its packages in their order", async () => {
    const directory = await temporaryDirectory(valid);
    const definition = await loadImageDefinition(directory);
    expect(definition).toMatchObject({ ...image, directory, packages: ["python3", "git"] });
    expect(definition.digest).toMatch(/^[0-9a-f]{16}$/);
  });

  it.each([
    ["an unknown field", { ...image, sweet: "trixie" }, /image\.json: .*sweet/],
    ["a name that no repository can have", { ...image, name: "Tiny!" }, /image\.json: name: /],
    ["no language", { ...image, languages: [] }, /image\.json: languages: /],
    [
      "a kernel that is not text",
      { ...image, languages: [{ ...image.languages[0], kernel: 3 }] },
      /image\.json: languages\.0\.kernel: /,
    ],
    ["a variable that is not text", { ...image, env: { LANG: 1 } }, /image\.json: env\.LANG: /],
    [
      "a variable of two lines",
      { ...image, env: { LANG: "a\nUSER b" } },
      /image\.json: env\.LANG: /,
    ],
    [
      "a variable with a space in its name",
      { ...image, env: { "A B": "c" } },
      /image\.json: env\.A B: /,
    ],
  ])("with %s is refused with file and field", async (_, content, message) => {
    const directory = await temporaryDirectory({ ...valid, "image.json": JSON.stringify(content) });
    await expect(loadImageDefinition(directory)).rejects.toThrow(message);
  });

  it("that is not JSON is refused with its file", async () => {
    const directory = await temporaryDirectory({ ...valid, "image.json": "{" });
    await expect(loadImageDefinition(directory)).rejects.toThrow(/image\.json: not JSON/);
  });

  it("without a package list is refused with the missing file", async () => {
    const directory = await temporaryDirectory({ "image.json": valid["image.json"] });
    await expect(loadImageDefinition(directory)).rejects.toThrow(/packages\.txt: cannot be read/);
  });

  it.each(["python3 git", "--option", "Git", "git "])(
    "with a package called %j is refused with its line",
    async (line) => {
      const directory = await temporaryDirectory({ ...valid, "packages.txt": `# a\n${line}\n` });
      await expect(loadImageDefinition(directory)).rejects.toThrow(/packages\.txt: line 2: /);
    },
  );

  it("with nothing but comments in its package list is refused", async () => {
    const directory = await temporaryDirectory({ ...valid, "packages.txt": "# none\n" });
    await expect(loadImageDefinition(directory)).rejects.toThrow(/packages\.txt: names no package/);
  });

  it("is found in every folder that has an image.json", async () => {
    const directory = await temporaryDirectory({
      "b/image.json": "",
      "a/image.json": "",
      "c/setup.sh": "",
      "image.json": "",
    });
    expect(await findDefinitions(directory)).toEqual([join(directory, "a"), join(directory, "b")]);
  });
});

describe("the images of this repository", () => {
  const images = fileURLToPath(new URL("../../kernel-images", import.meta.url));

  it("have definitions that load, each named after its folder", async () => {
    const directories = await findDefinitions(images);
    expect(directories).toContain(join(images, "python"));
    for (const directory of directories)
      expect(directory).toBe(join(images, (await loadImageDefinition(directory)).name));
  });
});
