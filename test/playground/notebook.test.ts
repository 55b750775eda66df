import { beforeEach, describe, expect, it } from "vitest";
import { newCell, newNotebook } from "../../playground/src/notebook/notebook-document.js";
import { createNotebook, type Notebook } from "../../playground/src/notebook/notebook.js";

describe("a notebook", () => {
  let notebook: Notebook;
  const sources = () => notebook.cells.value.map((cell) => cell.source.value);
  const selected = () => notebook.selected.value.source.value;
  const select = (source: string) => {
    const cell = notebook.cells.value.find((entry) => entry.source.value === source);
    if (cell) notebook.select(cell.id);
  };

  beforeEach(() => {
    notebook = createNotebook(
      newNotebook(["a", "b", "c"].map((source) => newCell("code", source))),
    );
  });

  it("inserts above and below the selected cell, and selects what it inserted", () => {
    select("b");
    notebook.insert("above").source.value = "above b";
    expect(selected()).toBe("above b");
    select("b");
    notebook.insert("below", "markdown").source.value = "below b";
    expect(sources()).toEqual(["a", "above b", "b", "below b", "c"]);
    expect(notebook.selected.value.kind.value).toBe("markdown");
  });

  it("selects the cell that takes a deleted one's place", () => {
    select("b");
    notebook.remove();
    expect(selected()).toBe("c");
    notebook.remove();
    expect(selected()).toBe("a");
  });

  it("brings deleted cells back where they stood, the latest first", () => {
    select("a");
    notebook.remove();
    notebook.remove();
    expect(sources()).toEqual(["c"]);
    notebook.undo();
    expect(sources()).toEqual(["b", "c"]);
    notebook.undo();
    expect(sources()).toEqual(["a", "b", "c"]);
    expect(notebook.canUndo.value).toBe(false);
    notebook.undo();
    expect(sources()).toEqual(["a", "b", "c"]);
  });

  it("is never without a cell", () => {
    for (let times = 0; times < 4; times += 1) notebook.remove();
    expect(sources()).toEqual([""]);
    expect(notebook.selected.value).toBe(notebook.cells.value[0]);
  });

  it("moves a cell by one, and not beyond the ends", () => {
    select("b");
    notebook.move(-1);
    notebook.move(-1);
    expect(sources()).toEqual(["b", "a", "c"]);
    notebook.move(1);
    notebook.move(1);
    notebook.move(1);
    expect(sources()).toEqual(["a", "c", "b"]);
    expect(selected()).toBe("b");
  });

  it("pastes copies that are cells of their own", () => {
    select("a");
    notebook.copy();
    select("c");
    notebook.paste();
    notebook.selected.value.source.value = "changed";
    notebook.paste();
    expect(sources()).toEqual(["a", "b", "c", "changed", "a"]);
    expect(new Set(notebook.cells.value.map(({ id }) => id)).size).toBe(5);
  });

  it("cuts what it can paste elsewhere", () => {
    select("a");
    notebook.cut();
    select("c");
    notebook.paste();
    expect(sources()).toEqual(["b", "c", "a"]);
  });

  it("does not delete a cell that runs", () => {
    notebook.selected.value.run.value = { phase: "running", since: 0 };
    notebook.remove();
    expect(sources()).toEqual(["a", "b", "c"]);
  });

  it("writes no outputs of a cell that is Markdown now", () => {
    const cell = notebook.selected.value;
    cell.outputs.value = [{ output_type: "stream", name: "stdout", text: "x", key: 1 }];
    cell.executionCount.value = 4;
    notebook.setKind("markdown");
    expect(notebook.document().cells[0]).toMatchObject({
      kind: "markdown",
      outputs: [],
      executionCount: null,
    });
    notebook.setKind("code");
    expect(notebook.document().cells[0]?.outputs).toEqual([
      { output_type: "stream", name: "stdout", text: "x" },
    ]);
  });

  it("asks for the focus where a selection came by keys", () => {
    notebook.select(notebook.cells.value[1]?.id ?? "");
    expect(notebook.focusWish.value).toBeUndefined();
    notebook.selectOffset(1);
    expect(notebook.focusWish.value).toEqual({
      cellId: notebook.cells.value[2]?.id,
      mode: "command",
    });
  });
});
