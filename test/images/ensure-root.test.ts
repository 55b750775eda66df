import { mkdir, readdir, readFile, readlink, realpath, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pack, type Pack } from "tar-stream";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { packBaseRoot, unpackArchive } from "../../src/images/base-root.js";
import { ensureRoot, type EnsuredRoot } from "../../src/images/ensure-root.js";
import type { ImageDefinition } from "../../src/images/image-definition.js";
import { writeRootFilesystem } from "../../src/images/root-filesystem.js";
import { temporaryDirectory } from "./temporary-directory.js";

vi.mock("../../src/images/root-filesystem.js");

const { signal } = new AbortController();
const definition: ImageDefinition = {
  directory: "/nowhere",
  name: "tiny",
  description: "A test",
  suite: "trixie",
  languages: [{ name: "python", version: "3.13", kernel: "python3" }],
  env: {},
  packages: ["python3"],
  digest: "0123456789abcdef",
};

const LOADERS: Partial<Record<NodeJS.Architecture, string>> = {
  x64: "./usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
  arm64: "./usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1",
};

/** Stands for the loader with its interpreter: what it is told to compile gets a mark. */
const COMPILER = '#!/bin/sh\nfor last; do :; done\ntouch "$last/compiled"\n';

const ROOT: [Parameters<Pack["entry"]>[0], string?][] = [
  [{ name: "./", type: "directory", mode: 0o755 }],
  [{ name: "./dev/null" }, "stands for a device"],
  [{ name: "./tmp/", type: "directory", mode: 0o1777 }],
  [{ name: "./etc/hosts", mode: 0o644 }, "127.0.0.1 localhost\n"],
  [{ name: "./usr/bin/python3.13", mode: 0o755 }, "an interpreter"],
  [{ name: "./opt/hotcell/bin/python3", type: "symlink", linkname: "/usr/bin/python3.13" }],
  [{ name: LOADERS[process.arch] ?? "./loader", mode: 0o755 }, COMPILER],
];

async function writeRoot(_definition: ImageDefinition, output: Writable): Promise<void> {
  const archive = pack();
  for (const [header, content] of ROOT) {
    if (content === undefined) archive.entry(header);
    else archive.entry(header, content);
  }
  archive.finalize();
  await pipeline(archive, output);
}

let directory: string;
let kerneldDirectory: string;
beforeEach(async () => {
  directory = await temporaryDirectory();
  kerneldDirectory = await temporaryDirectory({
    "bin/kerneld": "#!",
    "kerneld/__init__.py": "",
  });
  vi.mocked(writeRootFilesystem).mockReset().mockImplementation(writeRoot);
});

const ensure = (extra: { rebuild?: boolean } = {}): Promise<EnsuredRoot> =>
  ensureRoot({
    definition,
    kerneldDirectory,
    directory,
    onProgress: () => undefined,
    signal,
    ...extra,
  });

const builds = (): number => vi.mocked(writeRootFilesystem).mock.calls.length;

describe("an image on disk", () => {
  it("has the root file system, without devices, and kerneld's compiled files beside it", async () => {
    const { reference, built } = await ensure();
    expect(built).toBe(true);
    const root = join(reference, "root");
    expect(await readFile(join(root, "etc/hosts"), "utf8")).toContain("localhost");
    expect(await readdir(join(root, "dev")).catch(() => [])).toEqual([]);
    expect((await stat(join(root, "tmp"))).mode & 0o7777).toBe(0o1777);
    const layer = "opt/hotcell/kerneld";
    expect(await readdir(join(root, layer))).toEqual([]);
    expect(await readdir(join(reference, "layer", layer))).toEqual(["compiled", "kerneld"]);
    expect(await readdir(join(reference, "layer/opt/hotcell/bin"))).toEqual(["kerneld"]);
  });

  it("lets nobody else into the directories that everybody may write to", async () => {
    const { reference } = await ensure();
    const roots = join(await realpath(join(reference, "root")), "..");
    expect((await stat(roots)).mode & 0o777).toBe(0o700);
  });

  it("can be read by a sandbox's own user, whatever the umask of its builder", async () => {
    const umask = process.umask(0o077);
    try {
      const { reference } = await ensure();
      const paths = [
        "layer",
        "layer/opt/hotcell/kerneld/kerneld",
        "root",
        "root/opt/hotcell/kerneld",
      ];
      for (const path of paths)
        expect([path, (await stat(join(reference, path))).mode & 0o005]).toEqual([path, 0o005]);
    } finally {
      process.umask(umask);
    }
  });

  it("is built once, also by two at the same time", async () => {
    const both = await Promise.all([ensure(), ensure()]);
    expect(both.map(({ built }) => built).sort()).toEqual([false, true]);
    expect((await ensure()).built).toBe(false);
    expect(builds()).toBe(1);
  });

  it("shares its root with the next kerneld's, and stays", async () => {
    const first = await ensure();
    await writeFile(join(kerneldDirectory, "kerneld/new.py"), "");
    const second = await ensure();
    expect(second.reference).not.toBe(first.reference);
    expect(await readlink(join(second.reference, "root"))).toBe(
      await readlink(join(first.reference, "root")),
    );
    expect(builds()).toBe(1);
    expect(await readdir(join(first.reference, "layer/opt/hotcell/kerneld/kerneld"))).toEqual([
      "__init__.py",
    ]);
  });

  it("is built again on demand, while sandboxes keep the files that they have", async () => {
    const { reference } = await ensure();
    const old = (await stat(join(reference, "root"))).ino;
    expect(await ensure({ rebuild: true })).toEqual({ reference, built: true });
    expect((await stat(join(reference, "root"))).ino).not.toBe(old);
    const roots = await readdir(join(directory, "roots"));
    const kept = roots.find((name) => name.includes(".replaced-")) ?? "";
    expect((await stat(join(directory, "roots", kept))).ino).toBe(old);
  });

  it("is not there after a build that failed, and nothing else of it", async () => {
    vi.mocked(writeRootFilesystem).mockImplementation(async (_definition, output) => {
      output.write(Buffer.alloc(512));
      throw new Error("no mirror");
    });
    await expect(ensure()).rejects.toThrow("no mirror");
    expect(await readdir(directory)).toEqual(["roots"]);
    expect(await readdir(join(directory, "roots"))).toEqual([]);
    vi.mocked(writeRootFilesystem).mockImplementation(writeRoot);
    expect((await ensure()).built).toBe(true);
  });

  it("is built over what a killed build has left", async () => {
    await mkdir(join(directory, "roots/tiny-0.partial-aBc123/usr"), { recursive: true });
    await mkdir(join(directory, "hotcell-root.partial-aBc123/usr"), { recursive: true });
    await ensure();
    const left = [...(await readdir(directory)), ...(await readdir(join(directory, "roots")))];
    expect(left.filter((name) => name.includes("partial"))).toEqual([]);
  });

  it("says what it needs when the disk is full", async () => {
    vi.mocked(writeRootFilesystem).mockRejectedValue(
      new Error("tar ended with status 2:\nCannot write: No space left on device"),
    );
    await expect(ensure()).rejects.toThrow(`the disk is full: an image needs about 1 GB below`);
  });
});

describe("an unpacked root", () => {
  it("packs to the same root, everything root's", async () => {
    const { reference } = await ensure();
    const archive = new PassThrough();
    const copy = join(directory, "copy");
    await mkdir(copy);
    await Promise.all([
      packBaseRoot(join(reference, "root"), archive, signal),
      unpackArchive(archive, copy, signal),
    ]);
    expect(await readFile(join(copy, "etc/hosts"), "utf8")).toContain("localhost");
    expect(await readlink(join(copy, "opt/hotcell/bin/python3"))).toBe("/usr/bin/python3.13");
    expect((await stat(join(copy, "etc/hosts"))).uid).toBe(process.getuid?.());
  });
});
