import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type Figure,
  figureFiles,
  FigureLimitError,
  figureOf,
} from "../../src/run/figure-files.js";

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "hc-"))));
afterEach(() => rmSync(directory, { recursive: true }));

const png = (content: string): Figure => ({ mediaType: "image/png", bytes: Buffer.from(content) });
const svg: Figure = { mediaType: "image/svg+xml", bytes: Buffer.from("<svg/>") };

describe("figures", () => {
  it("are numbered, and both forms of one have one number", async () => {
    const figures = figureFiles(directory);
    expect(await figures.save([png("one")])).toEqual([join(directory, "figure-1.png")]);
    expect(await figures.save([png("two"), svg])).toEqual([
      join(directory, "figure-2.png"),
      join(directory, "figure-2.svg"),
    ]);
    expect(readFileSync(join(directory, "figure-2.png"), "utf8")).toBe("two");
  });

  it("go on after the highest number that is there, whatever its form", async () => {
    writeFileSync(join(directory, "figure-1.png"), "mine");
    writeFileSync(join(directory, "figure-7.pdf"), "mine");
    writeFileSync(join(directory, "figure-x.png"), "mine");
    expect(await figureFiles(directory).save([png("new")])).toEqual([
      join(directory, "figure-8.png"),
    ]);
  });

  it("never overwrite what came to be meanwhile, and follow no link", async () => {
    const figures = figureFiles(directory);
    await figures.save([png("one")]);
    writeFileSync(join(directory, "figure-2.png"), "another process's");
    const victim = join(directory, "victim");
    symlinkSync(victim, join(directory, "figure-3.png"));
    expect(await figures.save([png("new")])).toEqual([join(directory, "figure-4.png")]);
    expect(readFileSync(join(directory, "figure-2.png"), "utf8")).toBe("another process's");
    expect(existsSync(victim)).toBe(false);
  });

  it("of two calls at once get names of their own", async () => {
    const callers = [figureFiles(directory), figureFiles(directory), figureFiles(directory)];
    const paths = await Promise.all(callers.map((figures) => figures.save([png("x")])));
    expect(new Set(paths.flat()).size).toBe(3);
    expect(await readdir(directory)).toHaveLength(3);
  });

  it("make the directory when the first one comes", async () => {
    const deep = join(directory, "a", "b");
    const figures = figureFiles(deep);
    expect(existsSync(deep)).toBe(false);
    await figures.save([png("x")]);
    expect(await readdir(deep)).toEqual(["figure-1.png"]);
  });

  it("are refused where nothing can be made", async () => {
    writeFileSync(join(directory, "file"), "");
    await expect(figureFiles(join(directory, "file", "x")).save([png("x")])).rejects.toThrow(
      "ENOTDIR",
    );
    await expect(figureFiles("/proc/none/deeper").save([png("x")])).rejects.toThrow();
    await mkdir(join(directory, "made"));
    await expect(figureFiles(join(directory, "made")).save([png("x")])).resolves.toHaveLength(1);
  });

  it("are no more than there may be, and no larger together", async () => {
    const few = figureFiles(directory, { figures: 1, bytes: 100 });
    await few.save([png("x")]);
    await expect(few.save([png("x")])).rejects.toThrow(FigureLimitError);
    const small = figureFiles(directory, { figures: 10, bytes: 4 });
    await expect(small.save([png("12345")])).rejects.toThrow(FigureLimitError);
    expect(await readdir(directory)).toEqual(["figure-1.png"]);
  });
});

describe("a value of a MIME bundle", () => {
  it("is a figure by its type: base64, but for SVG", () => {
    expect(figureOf("image/png", "aGk=\n")?.bytes.toString()).toBe("hi");
    expect(figureOf("image/svg+xml", "<svg>é</svg>")?.bytes.toString()).toBe("<svg>é</svg>");
  });

  it.each([
    ["text/html", "<b>"],
    ["image/png", { not: "text" }],
    ["image/png", ""],
    ["image/../../x", "aGk="],
    ["constructor", "aGk="],
  ])("is none as %s with %j", (type, value) => {
    expect(figureOf(type, value)).toBeUndefined();
  });
});
