import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openNotebookFile, sourceOf } from "../../src/run/notebook-file.js";

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hc-"));
  path = join(directory, "a.ipynb");
});
afterEach(async () => rm(directory, { recursive: true, force: true }));

const save = async (content: unknown): Promise<void> =>
  writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
const written = async (at = path): Promise<unknown> => JSON.parse(await readFile(at, "utf8"));

const OLD = {
  cells: [
    { cell_type: "markdown", metadata: {}, source: ["# Title\n", "text"], attachments: { a: {} } },
    { cell_type: "code", execution_count: 9, metadata: {}, outputs: [], source: ["1\n", "2"] },
  ],
  metadata: { kernelspec: { name: "ir", display_name: "R", language: "R" }, own: { kept: [1] } },
  nbformat: 4,
  nbformat_minor: 2,
  unknown: "kept",
};

describe("a notebook's file", () => {
  it("of an earlier nbformat 4 gets ids, and keeps what is not known", async () => {
    await save(OLD);
    const file = await openNotebookFile(path, path);
    expect(file.language).toBe("r");
    expect(file.document.cells.map(sourceOf)).toEqual(["# Title\ntext", "1\n2"]);
    expect(await file.write()).toBe(path);
    const id = expect.stringMatching(/^[0-9a-f]{8}$/) as string;
    expect(await written()).toEqual({
      ...OLD,
      nbformat_minor: 5,
      cells: OLD.cells.map((cell) => ({ ...cell, id })),
    });
  });

  it("keeps ids that are there, and has each once", async () => {
    const cell = { cell_type: "code", id: "mine", metadata: {}, outputs: [], source: "1" };
    await save({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [cell, cell] });
    const { document, language } = await openNotebookFile(path, path);
    expect(document.cells[0]?.id).toBe("mine");
    expect(document.cells[1]?.id).toMatch(/^[0-9a-f]{8}$/);
    expect(language).toBeUndefined();
  });

  it("is written whole, through links, with the rights it had, and nothing beside it", async () => {
    await save(OLD);
    await chmod(path, 0o640);
    const link = join(directory, "link.ipynb");
    await symlink(path, link);
    await (await openNotebookFile(link, link)).write();
    expect(await written()).toMatchObject({ nbformat_minor: 5 });
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    expect((await readdir(directory)).sort()).toEqual(["a.ipynb", "link.ipynb"]);
  });

  it("goes elsewhere where that is said, and the one that was read stays", async () => {
    await save(OLD);
    const other = join(directory, "b.ipynb");
    await (await openNotebookFile(path, other)).write();
    expect(await written()).toEqual(OLD);
    expect(await written(other)).toMatchObject({ nbformat_minor: 5 });
  });

  it("that was changed meanwhile is left alone", async () => {
    await save(OLD);
    const file = await openNotebookFile(path, path);
    await save({ ...OLD, changed: true });
    expect(await file.write()).toBe(join(directory, "a.executed.ipynb"));
    expect(await written()).toMatchObject({ changed: true });
  });

  it.each([
    ["not json", "not JSON"],
    ["[]", "does not say its nbformat"],
    [{ nbformat: 3, worksheets: [] }, "nbformat 3"],
    [{ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [{ cell_type: "code" }] }, "source"],
    [{ nbformat: 4, nbformat_minor: 5, metadata: {} }, "cells"],
  ])("that is none (%j) is refused, saying why", async (content, said) => {
    await save(content);
    await expect(openNotebookFile(path, path)).rejects.toThrow(said);
  });

  it("that cannot be written is refused before anything is executed", async () => {
    await save(OLD);
    const nowhere = join(directory, "none", "b.ipynb");
    await expect(openNotebookFile(path, nowhere)).rejects.toThrow("cannot be written");
    await expect(openNotebookFile(path, directory)).rejects.toThrow("is not a file");
  });
});
