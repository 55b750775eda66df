import { describe, expect, it } from "vitest";
import { HotcellError, type FileEntry, type Listing } from "../../src/client/index.js";
import { readCsv } from "../../playground/src/files/csv.js";
import { fileErrorWords } from "../../playground/src/files/file-error.js";
import { absolutePath, extensionOf, parentPath } from "../../playground/src/files/file-path.js";
import { fileTimeWords } from "../../playground/src/files/file-time.js";
import { createFileTree } from "../../playground/src/files/file-tree.js";
import { previewOf, textIn } from "../../playground/src/files/preview.js";
import { readStart } from "../../playground/src/files/read-body.js";
import { createTransfers } from "../../playground/src/files/transfers.js";
import { sortedEntries, visibleRows } from "../../playground/src/files/tree-row.js";
import { freeName, planUploads } from "../../playground/src/files/upload-plan.js";

const entry = (path: string, kind: FileEntry["kind"] = "file"): FileEntry => ({
  path,
  kind,
  size: 1,
  modified_at: "2026-01-01T00:00:00Z",
});

const bytes = (text: string) => new TextEncoder().encode(text);

describe("paths of files", () => {
  it("have a parent, an extension and a place in the session", () => {
    expect(parentPath("a/b/c.txt")).toBe("a/b");
    expect(parentPath("c.txt")).toBe("");
    expect(extensionOf("photo.JPG")).toBe("jpg");
    expect(extensionOf(".profile")).toBe("");
    expect(absolutePath("a/b")).toBe("/workspace/a/b");
  });
});

describe("names that are taken", () => {
  it("are kept beside the new ones under numbers that are free", () => {
    expect(freeName("data.csv", new Set(["data.csv"]))).toBe("data (2).csv");
    expect(freeName("data.csv", new Set(["data.csv", "data (2).csv"]))).toBe("data (3).csv");
    expect(freeName("Makefile", new Set())).toBe("Makefile (2)");
    expect(freeName(".env", new Set())).toBe(".env (2)");
    expect(freeName("a.tar.gz", new Set())).toBe("a (2).tar.gz");
  });

  it("are replaced, kept or skipped as was chosen, and the others stored as they are", () => {
    const taken = new Set(["a", "b"]);
    expect(planUploads(["a", "c"], taken, "replace")).toEqual(["a", "c"]);
    expect(planUploads(["a", "c"], taken, "skip")).toEqual([undefined, "c"]);
    expect(planUploads(["a", "c"], taken, "keep-both")).toEqual(["a (2)", "c"]);
    expect(planUploads(["a (2)", "a"], taken, "keep-both")).toEqual(["a (2)", "a (3)"]);
  });
});

describe("the tree of files", () => {
  const directory = (entries: FileEntry[], isTruncated = false) => ({
    entries: sortedEntries(entries),
    isTruncated,
    failure: undefined,
  });

  it("has folders first, and names as people sort them", () => {
    const sorted = sortedEntries([entry("b10"), entry("b9"), entry("z", "directory"), entry("A")]);
    expect(sorted.map(({ path }) => path)).toEqual(["z", "A", "b9", "b10"]);
  });

  it("shows what is in open folders, and says so where nothing is", () => {
    const rows = visibleRows({
      directories: new Map([
        ["", directory([entry("full", "directory"), entry("void", "directory")])],
        ["full", directory([entry("full/a")])],
        ["void", directory([])],
      ]),
      open: new Set(["full", "void"]),
      shown: new Map(),
      showsHidden: false,
    });
    expect(rows.map((row) => [row.level, row.kind === "note" ? row.words : row.key])).toEqual([
      [1, "full"],
      [2, "full/a"],
      [1, "void"],
      [2, "Empty"],
    ]);
  });

  it("shows what programs keep for themselves when it is asked for", async () => {
    const tree = createFileTree(async () => ({
      entries: [entry(".cache", "directory"), entry("a")],
      truncated: false,
    }));
    await tree.refresh();
    expect(tree.rows.value.map(({ key, siblings }) => [key, siblings])).toEqual([["a", 1]]);
    expect(tree.hiddenCount.value).toBe(1);
    tree.showsHidden.value = true;
    expect(tree.rows.value.map(({ key }) => key)).toEqual([".cache", "a"]);
  });

  it("shows many entries bit by bit", () => {
    const many = Array.from({ length: 450 }, (_, index) => entry(`file-${index}`));
    const rows = (limit?: number) =>
      visibleRows({
        directories: new Map([["", directory(many, true)]]),
        open: new Set(),
        shown: new Map(limit === undefined ? [] : [["", limit]]),
        showsHidden: false,
      });
    expect(rows()).toHaveLength(201);
    expect(rows().at(-1)).toMatchObject({ kind: "more", count: 250, siblings: 201 });
    expect(rows(600)).toHaveLength(451);
    expect(rows(600).at(-1)).toMatchObject({
      kind: "note",
      words: "Only the first 450 are listed",
    });
  });

  it("forgets a folder that is gone, and tells what failed in its place", async () => {
    const answers = new Map<string, Listing | Error>([
      ["", { entries: [entry("d", "directory"), entry("e", "directory")], truncated: false }],
      ["d", new HotcellError("file_not_found", "gone")],
      ["e", new HotcellError("sandbox_busy", "busy")],
    ]);
    const tree = createFileTree(async (path) => {
      const answer = answers.get(path);
      if (answer instanceof Error) throw answer;
      return answer ?? { entries: [], truncated: false };
    });
    await tree.refresh();
    tree.open("d");
    tree.open("e");
    await tree.refresh();
    expect(tree.rows.value.map((row) => (row.kind === "note" ? row.words : row.key))).toEqual([
      "d",
      "e",
      "The files cannot be listed: the session has too much to do; try again.",
    ]);
  });

  it("lists once more what changed while it was listed", async () => {
    let release: (() => void) | undefined;
    let calls = 0;
    const tree = createFileTree(async () => {
      calls += 1;
      if (calls === 1) await new Promise<void>((resolve) => (release = resolve));
      return { entries: [entry(`seen-${calls}`)], truncated: false };
    });
    const first = tree.refresh();
    const second = tree.refresh();
    release?.();
    await Promise.all([first, second]);
    expect(tree.rows.value.map(({ key }) => key)).toEqual(["seen-2"]);
    expect(tree.isRefreshing.value).toBe(false);
  });

  it("takes no answer of a session that was left", async () => {
    let release: ((listing: Listing) => void) | undefined;
    const tree = createFileTree(async () => new Promise<Listing>((resolve) => (release = resolve)));
    const refreshed = tree.refresh();
    tree.reset();
    release?.({ entries: [entry("other")], truncated: false });
    await refreshed;
    expect(tree.root.value).toBeUndefined();
  });
});

describe("separated values", () => {
  const all = { rows: 10, columns: 10, isWhole: true };

  it("are read with quotes, any line end and the delimiter that the header has", () => {
    expect(readCsv('a,b\r\n"x, ""y""",2\r\n\r\n"line\nend",\n', all)).toEqual({
      header: ["a", "b"],
      rows: [
        ['x, "y"', "2"],
        ["line\nend", ""],
      ],
      hasMoreRows: false,
      hasMoreColumns: false,
    });
    expect(readCsv("\uFEFFa;b\n1,5;2", all)).toMatchObject({
      header: ["a", "b"],
      rows: [["1,5", "2"]],
    });
  });

  it("are cut to the rows and columns that are wanted, which is told", () => {
    const table = readCsv("a,b,c\n1,2,3\n4,5,6\n7,8,9", { rows: 2, columns: 2, isWhole: true });
    expect(table).toEqual({
      header: ["a", "b"],
      rows: [
        ["1", "2"],
        ["4", "5"],
      ],
      hasMoreRows: true,
      hasMoreColumns: true,
    });
  });

  it("lose a last record that the end of what was read may have cut", () => {
    expect(readCsv("a,b\n1,2\n3,", { ...all, isWhole: false })).toMatchObject({
      rows: [["1", "2"]],
      hasMoreRows: true,
    });
  });
});

describe("previews", () => {
  it("take bytes for text only where they are, a character cut at the end apart", () => {
    expect(textIn(bytes("naïve"), true)).toBe("naïve");
    expect(textIn(bytes("naï").subarray(0, 3), false)).toBe("na");
    expect(textIn(bytes("naï").subarray(0, 3), true)).toBeUndefined();
    expect(textIn(bytes("a\0b"), true)).toBeUndefined();
  });

  it("draw what can be drawn, and never what is not whole as if it were", async () => {
    expect(await previewOf("a.md", bytes("# A"), true)).toMatchObject({ mime: "text/markdown" });
    expect(await previewOf("a.svg", bytes("<svg/>"), true)).toMatchObject({
      mime: "image/svg+xml",
    });
    expect(await previewOf("a.html", bytes("<p>"), true)).toMatchObject({ mime: "text/html" });
    expect(await previewOf("a.html", bytes("<p>"), false)).toMatchObject({ kind: "text" });
    expect(await previewOf("a.js", bytes("alert(1)"), true)).toMatchObject({ kind: "text" });
    expect(await previewOf("a.png", bytes("x"), false)).toMatchObject({ kind: "none" });
    expect(await previewOf("a.bin", bytes("\0"), true)).toMatchObject({ kind: "none" });
  });

  it("read no more of a file than they show", async () => {
    let isCancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(10)),
      cancel: () => {
        isCancelled = true;
      },
    });
    const { bytes: read, isWhole } = await readStart(new Response(body), 25);
    expect([read.length, isWhole, isCancelled]).toEqual([25, false, true]);
    expect((await readStart(new Response("abc"), 3)).isWhole).toBe(true);
  });
});

describe("transfers", () => {
  it("go one after the other, leave the list on arrival, and stay in it with words where they failed", async () => {
    const transfers = createTransfers();
    const order: string[] = [];
    const upload = (name: string, work: () => Promise<void>) =>
      transfers.start({ direction: "upload", name, total: 1 }, async () => {
        order.push(name);
        await work();
      });
    const results = await Promise.all([
      upload("a", async () => undefined),
      upload("b", async () => Promise.reject(new HotcellError("disk_full", "no"))),
      upload("c", async () => undefined),
    ]);
    expect(results).toEqual([true, false, true]);
    expect(order).toEqual(["a", "b", "c"]);
    expect(transfers.list.value).toMatchObject([
      { name: "b", phase: "failed", failure: "the session's disk is full" },
    ]);
    transfers.dismiss(transfers.list.value[0]?.id ?? 0);
    expect(transfers.list.value).toEqual([]);
  });

  it("can be cancelled while they move and before", async () => {
    const transfers = createTransfers();
    let begun = 0;
    const start = () =>
      transfers.start(
        { direction: "upload", name: "a", total: 1 },
        async (signal) =>
          new Promise((_, reject) => {
            begun += 1;
            signal.addEventListener("abort", () => reject(signal.reason as Error));
            transfers.cancelAll();
          }),
      );
    expect(await Promise.all([start(), start()])).toEqual([false, false]);
    expect(begun).toBe(1);
    expect(transfers.list.value).toEqual([]);
  });
});

describe("words about files", () => {
  it("say why, without codes", () => {
    expect(fileErrorWords(new HotcellError("is_directory", "x"))).toBe(
      "there is a folder of this name",
    );
    expect(fileErrorWords(new HotcellError("else", "in its own words"))).toBe("in its own words");
  });

  it("tell times as short as they can be", () => {
    const now = new Date(2026, 5, 15, 12);
    const words = (...date: [number, number, number]) =>
      fileTimeWords(new Date(...date, 9, 5).toISOString(), now);
    expect(words(2026, 5, 15)).toMatch(/0?9.05/);
    expect(words(2026, 0, 2)).toMatch(/2/);
    expect(words(2026, 0, 2)).not.toMatch(/2026/);
    expect(words(2024, 0, 2)).toMatch(/2024/);
  });
});
