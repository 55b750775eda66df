import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { loadImageDefinition, type ImageDefinition } from "../../src/images/image-definition.js";
import { baseImageReference, imageReference } from "../../src/images/image-reference.js";
import { kerneldDockerfile } from "../../src/images/kerneld-dockerfile.js";
import { loadKerneldLayer } from "../../src/images/kerneld-layer.js";
import { mmdebstrapArguments } from "../../src/images/mmdebstrap.js";
import { temporaryDirectory } from "./temporary-directory.js";

const definition: ImageDefinition = {
  directory: "/nowhere",
  name: "tiny",
  description: "A test",
  suite: "trixie",
  languages: [{ name: "python", version: "3.13", kernel: "python3" }],
  env: { LANG: "C.UTF-8" },
  packages: ["python3", "git"],
  digest: "0123456789abcdef",
};
const kerneld = { files: [], digest: "fedcba9876543210" };

describe("an image's configuration", () => {
  it("starts kerneld in the workspace with the definition's variables, and as no particular user", () => {
    const lines = kerneldDockerfile(definition, "hotcell/tiny-base:1").split("\n");
    expect(lines[0]).toBe("FROM hotcell/tiny-base:1");
    expect(lines).toContain('ENTRYPOINT ["/opt/hotcell/bin/kerneld"]');
    expect(lines).toContain("WORKDIR /workspace");
    expect(lines).toContain('ENV LANG="C.UTF-8"');
    expect(lines.filter((line) => line.startsWith("USER"))).toEqual([]);
  });

  it("keeps variables as they are, whatever characters they hold", () => {
    const env = { A: 'a "b" \\ $HOME c' };
    expect(kerneldDockerfile({ ...definition, env }, "base")).toContain(
      String.raw`ENV A="a \"b\" \\ \$HOME c"`,
    );
  });

  it("has no line of variables when there are none", () => {
    expect(kerneldDockerfile({ ...definition, env: {} }, "base")).not.toContain("ENV");
  });
});

describe("an image's reference", () => {
  it("is a repository of the image's name with a tag", () => {
    expect(baseImageReference(definition)).toMatch(/^hotcell\/tiny-base:[0-9a-f]{16}$/);
    expect(imageReference(definition, kerneld)).toMatch(/^hotcell\/tiny:[0-9a-f]{16}$/);
  });

  it("changes with the definition, the base's too", () => {
    const changed = { ...definition, digest: "1" };
    expect(baseImageReference(changed)).not.toBe(baseImageReference(definition));
    expect(imageReference(changed, kerneld)).not.toBe(imageReference(definition, kerneld));
  });

  it("changes with kerneld while the base's stays", () => {
    const changed = { ...kerneld, digest: "1" };
    expect(imageReference(definition, changed)).not.toBe(imageReference(definition, kerneld));
  });
});

describe("kerneld's layer", () => {
  it("puts package and entry point where the image expects them, and nothing else", async () => {
    const directory = await temporaryDirectory({
      "bin/kerneld": "#!",
      "kerneld/__init__.py": "",
      "kerneld/user/zygote.py": "",
      "kerneld/__pycache__/a.pyc": "",
      "PROTOCOL.md": "",
      "tests/test_a.py": "",
    });
    expect((await loadKerneldLayer(directory)).files.map(({ path }) => path)).toEqual([
      "opt/hotcell/bin/kerneld",
      "opt/hotcell/kerneld/kerneld/__init__.py",
      "opt/hotcell/kerneld/kerneld/user/zygote.py",
    ]);
  });
});

describe("the command line of mmdebstrap", () => {
  it("has every package of the definition, in the definition's suite, and names no mirror", async () => {
    const directory = fileURLToPath(new URL("../../kernel-images/python", import.meta.url));
    const { suite, packages } = await loadImageDefinition(directory);
    const args = mmdebstrapArguments(suite, packages);
    expect(args).toContain(`--include=${packages.join(",")}`);
    expect(args.slice(-2)).toEqual(["trixie", "-"]);
    expect(args.join(" ")).not.toContain("://");
  });
});
