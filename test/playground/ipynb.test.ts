import { describe, expect, it } from "vitest";
import {
  notebookJson,
  NotebookFormatError,
  readNotebook,
  writeNotebook,
} from "../../playground/src/notebook/ipynb.js";

/** A notebook as JupyterLab writes it, with fields that the playground does not know. */
const file = {
  cells: [
    {
      cell_type: "markdown",
      id: "intro",
      metadata: { editable: false },
      source: ["# Title\n", "text"],
      attachments: { "a.png": { "image/png": "iVBORw0KGgo=" } },
    },
    {
      cell_type: "code",
      id: "run-1",
      metadata: { tags: ["x"], collapsed: true },
      source: ["print(1)\n", "2"],
      execution_count: 3,
      outputs: [
        { output_type: "stream", name: "stdout", text: ["1\n", "more\n"] },
        {
          output_type: "execute_result",
          execution_count: 3,
          data: {
            "text/plain": ["2"],
            "text/html": ["<b>\n", "2</b>"],
            "image/png": "iVBORw0KGgo=",
            "application/json": ["a", "list"],
            "application/vnd.plotly.v1+json": { data: [] },
          },
          metadata: { "image/png": { width: 4 } },
        },
        { output_type: "error", ename: "E", evalue: "v", traceback: ["a", "b"] },
      ],
    },
    { cell_type: "raw", id: "raw", metadata: {}, source: [] },
  ],
  metadata: { kernelspec: { name: "python3", display_name: "Python 3" }, custom: { deep: [1] } },
  nbformat: 4,
  nbformat_minor: 5,
  vendor: { kept: true },
};

describe("a notebook file", () => {
  it("comes back as it was, with what is unknown here", () => {
    expect(JSON.parse(writeNotebook(readNotebook(JSON.stringify(file))))).toEqual(file);
  });

  it("has its text whole while it is open, whatever the file's form", () => {
    const [markdown, code] = readNotebook(JSON.stringify(file)).cells;
    expect(markdown?.source).toBe("# Title\ntext");
    expect(code?.outputs[0]).toMatchObject({ text: "1\nmore\n" });
    expect(code?.outputs[1]).toMatchObject({
      data: { "text/html": "<b>\n2</b>", "application/json": ["a", "list"] },
    });
  });

  it("is written as nbformat 4.5, with text by lines and an id for each cell", () => {
    const old = {
      nbformat: 4,
      nbformat_minor: 2,
      metadata: {},
      cells: [
        { cell_type: "code", metadata: {}, source: "a\nb", execution_count: null, outputs: [] },
        { cell_type: "markdown", metadata: {}, source: "" },
      ],
    };
    const written = notebookJson(readNotebook(JSON.stringify(old)));
    expect(written).toMatchObject({ nbformat: 4, nbformat_minor: 5 });
    const [code, markdown] = written["cells"] as Record<string, unknown>[];
    expect(code?.["source"]).toEqual(["a\n", "b"]);
    expect(code?.["id"]).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    expect(markdown?.["id"]).not.toBe(code?.["id"]);
    expect(markdown).not.toHaveProperty("outputs");
  });

  it("gets new ids for cells whose ids are taken or not allowed", () => {
    const cell = {
      cell_type: "code",
      metadata: {},
      source: "",
      execution_count: null,
      outputs: [],
    };
    const { cells } = readNotebook(
      JSON.stringify({
        nbformat: 4,
        nbformat_minor: 5,
        metadata: {},
        cells: [
          { ...cell, id: "same" },
          { ...cell, id: "same" },
          { ...cell, id: "not allowed!" },
        ],
      }),
    );
    expect(cells[0]?.id).toBe("same");
    expect(new Set(cells.map(({ id }) => id)).size).toBe(3);
    expect(cells[2]?.id).not.toBe("not allowed!");
  });

  it.each([
    ["no JSON", "%PDF", "it is not JSON"],
    ["another JSON document", "[]", "does not say its nbformat"],
    ["an old format", '{"nbformat": 3, "worksheets": []}', "has nbformat 3"],
    [
      "a cell of no kind",
      '{"nbformat": 4, "nbformat_minor": 5, "cells": [{"cell_type": "film", "source": ""}]}',
      "cell 1, cell_type",
    ],
    [
      "source that is not text",
      '{"nbformat": 4, "nbformat_minor": 5, "cells": [{"cell_type": "code", "source": 7}]}',
      "cell 1, source",
    ],
  ])("is refused in words where it is %s", (_, text, words) => {
    expect(() => readNotebook(text)).toThrow(NotebookFormatError);
    expect(() => readNotebook(text)).toThrow(words);
  });
});
