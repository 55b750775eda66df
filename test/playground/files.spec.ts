import { readFile } from "node:fs/promises";
import { AxeBuilder } from "@axe-core/playwright";
import type { Locator } from "@playwright/test";
import { expect, type NotebookPage, notebookFile, test } from "./notebook-page.js";

/** The files pane as people use it. */
class FilesPane {
  constructor(readonly notebook: NotebookPage) {}

  get pane(): Locator {
    return this.notebook.page.getByRole("complementary");
  }

  get tree(): Locator {
    return this.pane.getByRole("tree", { name: "Files" });
  }

  get rows(): Locator {
    return this.tree.getByRole("treeitem");
  }

  row(name: string): Locator {
    return this.tree.getByRole("treeitem", { name, exact: true });
  }

  dialog(name: string): Locator {
    return this.notebook.page.getByRole("dialog", { name });
  }

  async open(): Promise<void> {
    await this.notebook.page.getByRole("button", { name: /^Session and files/ }).click();
    await this.pane.getByRole("tab", { name: "Files" }).click();
    await this.pane.getByRole("heading", { name: "Files", exact: true }).waitFor();
  }

  async choose(...files: readonly (readonly [string, string | Buffer])[]): Promise<void> {
    await this.pane.getByLabel("Files to upload").setInputFiles(
      files.map(([name, content]) => ({
        name,
        mimeType: "application/octet-stream",
        buffer: Buffer.from(content),
      })),
    );
  }

  /** Drops files as the browser gives them to the page. */
  async drop(target: Locator, ...files: readonly (readonly [string, string])[]): Promise<void> {
    const dataTransfer = await this.notebook.page.evaluateHandle((contents) => {
      const transfer = new DataTransfer();
      for (const [name, content] of contents) transfer.items.add(new File([content], name));
      return transfer;
    }, files);
    // Words change while something is dragged over them: what they stand in stays.
    const element = await target.elementHandle();
    await element.dispatchEvent("dragover", { dataTransfer });
    await element.dispatchEvent("drop", { dataTransfer });
  }
}

async function accessibilityProblems({ page }: NotebookPage): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).include(".side-pane").analyze();
  return violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`,
  );
}

/** A session with these files, and the page on it. */
async function openWith(notebook: NotebookPage, code: string): Promise<FilesPane> {
  await notebook.open([code, "print('again')"]);
  await notebook.run(1);
  await expect(notebook.mark(1)).toContainText("Done");
  const files = new FilesPane(notebook);
  await files.open();
  return files;
}

test("files that are dropped make the session, and code reads them", async ({ notebook }) => {
  await notebook.open(["print(open('a.txt').read(), open('b.txt').read())"]);
  const files = new FilesPane(notebook);
  await files.open();
  await expect(files.pane).toContainText("No session yet");
  await files.drop(files.pane.getByText("No session yet"), ["a.txt", "one"], ["b.txt", "two"]);
  await expect(files.rows).toHaveCount(2);
  await expect(notebook.page.getByText("2 files uploaded")).toBeAttached();
  await expect(files.row("a.txt")).toContainText("3 B");
  await notebook.run(1);
  await expect(notebook.output(1)).toContainText("one two");
});

test("an empty file can be uploaded, and a drop on a folder goes into it", async ({ notebook }) => {
  const files = await openWith(notebook, "import os; os.mkdir('folder')");
  await files.drop(files.row("folder, folder"), ["empty.txt", ""]);
  await expect(files.row("empty.txt")).toHaveAttribute("aria-level", "2");
  await expect(files.row("empty.txt")).toContainText("0 B");
});

test("a name that is taken is asked about", async ({ notebook }) => {
  const files = await openWith(notebook, "open('data.csv', 'w').write('old')");
  const dialog = files.dialog("This name is taken");

  await files.choose(["data.csv", "skipped"]);
  await dialog.getByRole("button", { name: "Skip it" }).click();
  await expect(dialog).toHaveCount(0);
  await files.choose(["data.csv", "kept"]);
  await dialog.getByRole("button", { name: "Keep both" }).click();
  await expect(files.row("data (2).csv")).toBeVisible();
  await files.choose(["data.csv", "newer"]);
  await dialog.getByRole("button", { name: "Replace" }).click();
  await expect(files.row("data.csv")).toContainText("5 B");
  const session = await notebook.gateway.client.attach(await notebook.sessionId);
  expect(await session.files.text("data (2).csv")).toBe("kept");
  expect(await session.files.text("data.csv")).toBe("newer");
});

test("what a run writes is shown when it ends, and what it removes is gone", async ({
  notebook,
}) => {
  await notebook.open([
    "import os; os.makedirs('out/deep'); open('out/deep/x', 'w').write('x'); open('y', 'w')",
    "import shutil; shutil.rmtree('out')",
  ]);
  const files = new FilesPane(notebook);
  await files.open();
  await notebook.run(1);
  await files.row("out, folder").click();
  await files.row("deep, folder").click();
  await expect(files.row("x")).toHaveAttribute("aria-level", "3");
  await notebook.run(2);
  await expect(files.rows).toHaveCount(1);
  await expect(files.row("y")).toBeVisible();
});

test("hidden files are shown when they are asked for", async ({ notebook }) => {
  const files = await openWith(notebook, "open('.secret', 'w'); open('plain', 'w')");
  await expect(files.rows).toHaveText([/^plain/]);
  await files.pane.getByRole("button", { name: /^Show \d+ hidden$/ }).click();
  await expect(files.row(".secret")).toBeVisible();
  await files.pane.getByRole("button", { name: /^Hide \d+ hidden$/ }).click();
  await expect(files.rows).toHaveCount(1);
});

test("a file is downloaded as it is", async ({ notebook }) => {
  const files = await openWith(notebook, "open('b.bin', 'wb').write(bytes(range(256)) * 4096)");
  await files.row("b.bin").hover();
  const downloading = notebook.page.waitForEvent("download");
  await files.pane.getByRole("button", { name: "Download b.bin" }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toBe("b.bin");
  const expected = Buffer.from(Uint8Array.from({ length: 256 * 4096 }, (_, index) => index % 256));
  expect((await readFile(await download.path())).equals(expected)).toBe(true);
});

test("deleting is asked about first", async ({ notebook }) => {
  const files = await openWith(notebook, "open('keep', 'w'); open('lose', 'w')");
  await files.row("lose").focus();
  await notebook.page.keyboard.press("Delete");
  const dialog = files.dialog("Delete lose?");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(files.rows).toHaveCount(2);
  await notebook.page.keyboard.press("Delete");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await expect(files.rows).toHaveCount(1);
  await expect(files.row("keep")).toBeFocused();
});

test("an upload shows its progress, and can be cancelled", async ({ notebook }) => {
  const files = await openWith(notebook, "1");
  let arrived: (() => void) | undefined;
  const asked = new Promise<void>((resolve) => (arrived = resolve));
  await notebook.page.route("**/files/*", (route) => {
    if (route.request().method() === "PUT") arrived?.();
    else void route.continue();
  });
  await files.choose(["slow.bin", "x".repeat(1000)], ["next.bin", "y"]);
  await asked;
  await expect(files.pane.getByRole("progressbar", { name: "Upload of slow.bin" })).toBeVisible();
  await expect(files.pane.getByText("Waiting")).toBeVisible();
  await files.pane.getByRole("button", { name: "Cancel all" }).click();
  await expect(files.pane.getByRole("progressbar")).toHaveCount(0);
  await notebook.page.unroute("**/files/*");
  await expect(files.pane).toContainText("No files yet");
});

test("a refused upload says why", async ({ notebook }) => {
  const files = await openWith(notebook, "import os; os.mkdir('d')");
  await files.choose(["d", "not a folder"]);
  await files.dialog("This name is taken").getByRole("button", { name: "Replace" }).click();
  await expect(files.pane.getByRole("alert")).toContainText(
    "Upload failed: there is a folder of this name.",
  );
  await files.pane.getByRole("button", { name: "Dismiss: d" }).click();
  await expect(files.pane.getByRole("alert")).toHaveCount(0);
});

test("previews show what a file is", async ({ notebook }) => {
  const files = await openWith(
    notebook,
    [
      "import json",
      "put = lambda name, text: open(name, 'w').write(text)",
      "put('t.csv', 'name,n\\n' + ''.join(f'row {i},{i}\\n' for i in range(500)))",
      "put('j.json', json.dumps({'inner': {'answer': 42}}))",
      "put('m.md', '# A heading')",
      "put('big.log', 'line\\n' * 100_000)",
      'put(\'s.svg\', \'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>\')',
      "open('zero.bin', 'wb').write(b'\\0\\1')",
    ].join("\n"),
  );
  const show = async (name: string) => {
    await files.row(name).click();
    return files.dialog(name);
  };
  const close = async () => {
    await notebook.page.keyboard.press("Escape");
    await expect(notebook.page.getByRole("dialog")).toHaveCount(0);
  };

  const table = await show("t.csv");
  await expect(table.getByRole("columnheader")).toHaveText(["name", "n"]);
  await expect(table.getByRole("row")).toHaveCount(101);
  await expect(table).toContainText("The first 100 rows are shown.");
  await close();
  await expect(files.row("t.csv")).toBeFocused();
  await expect((await show("j.json")).getByRole("tree")).toContainText("answer: 42");
  await close();
  await expect((await show("m.md")).getByRole("heading", { name: "A heading" })).toBeVisible();
  await close();
  await expect(await show("big.log")).toContainText("The first 256 KB are shown.");
  await close();
  await expect((await show("s.svg")).getByRole("img", { name: "s.svg" }).first()).toBeVisible();
  await close();
  await expect(await show("zero.bin")).toContainText("cannot be shown here");
  await close();
});

test("a page among the files runs in the isolated frame alone", async ({ notebook }) => {
  const files = await openWith(
    notebook,
    "open('p.html', 'w').write('<p id=a>as written</p><script>document.title = \"taken\"; a.textContent = \"it ran\"; try { parent.document.title = \"taken\" } catch {}</script>')",
  );
  const title = await notebook.page.title();
  await files.row("p.html").click();
  const frame = files.dialog("p.html").locator("iframe").contentFrame();
  await expect(frame.getByText("it ran")).toBeVisible();
  expect(await notebook.page.title()).toBe(title);
});

test("a notebook among the files opens in place of what is open, which can come back", async ({
  notebook,
}) => {
  const files = await openWith(notebook, "1");
  await files.choose(["found.ipynb", notebookFile(["found = True"])]);
  await files.row("found.ipynb").click();
  await files.dialog("found.ipynb").getByRole("button", { name: "Open in the notebook" }).click();
  await expect.poll(() => notebook.sources()).toEqual(["found = True"]);
  await notebook.page.getByRole("button", { name: "Bring back the one before" }).click();
  await expect.poll(() => notebook.sources()).toEqual(["1", "print('again')"]);
});

test("a notebook that is dropped on the pane is a file, and beside it the notebook", async ({
  notebook,
}) => {
  const files = await openWith(notebook, "1");
  const dropped = ["d.ipynb", notebookFile(["dropped = 1"]).toString()] as const;
  await files.drop(files.pane.getByText("No files yet"), dropped);
  await expect(files.row("d.ipynb")).toBeVisible();
  expect(await notebook.sources()).toEqual(["1", "print('again')"]);
  await files.drop(notebook.page.getByRole("main"), dropped);
  await expect.poll(() => notebook.sources()).toEqual(["dropped = 1"]);
});

test("keys go through the tree, and open and close it", async ({ notebook }) => {
  const files = await openWith(
    notebook,
    "import os; os.mkdir('a'); open('a/in', 'w').write('inside'); open('b', 'w')",
  );
  const { keyboard } = notebook.page;
  await files.row("a, folder").focus();
  await keyboard.press("ArrowRight");
  await expect(files.row("a, folder")).toHaveAttribute("aria-expanded", "true");
  await files.row("in").waitFor();
  await keyboard.press("ArrowRight");
  await expect(files.row("in")).toBeFocused();
  await keyboard.press("Enter");
  await expect(files.dialog("in")).toContainText("inside");
  await keyboard.press("Escape");
  await expect(files.row("in")).toBeFocused();
  await keyboard.press("End");
  await expect(files.row("b")).toBeFocused();
  await keyboard.press("ArrowUp");
  await keyboard.press("ArrowLeft");
  await expect(files.row("a, folder")).toBeFocused();
  await keyboard.press("ArrowLeft");
  await expect(files.rows).toHaveCount(2);
  await keyboard.press("b");
  await expect(files.row("b")).toBeFocused();
  await keyboard.press("Tab");
  await expect(files.pane.getByRole("button", { name: "Download b" })).toBeFocused();
  await keyboard.press("Escape");
  await expect(files.pane).toHaveCount(0);
});

test("the end of the session is told, and takes the files along", async ({ notebook }) => {
  const files = await openWith(notebook, "open('a', 'w')");
  await files.pane.getByRole("tab", { name: "Sessions" }).click();
  await files.pane.getByRole("button", { name: "End session", exact: true }).click();
  await expect(notebook.page.getByRole("alert")).toContainText("The session was ended.");
  await files.pane.getByRole("tab", { name: "Files" }).click();
  await expect(files.pane).toContainText("Its files are gone with it.");
  await expect(files.tree).toHaveCount(0);
  await expect(files.pane.getByRole("button", { name: "Upload" })).toBeDisabled();
});

for (const scheme of ["light", "dark"] as const) {
  test(`the pane can be read and reached in the ${scheme} theme, and fits a telephone`, async ({
    notebook,
  }) => {
    const { page } = notebook;
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width: 360, height: 740 });
    const overflow = () =>
      page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    const files = await openWith(
      notebook,
      "import os; os.mkdir('d'); open('a name that is longer than any telephone is wide.csv', 'w').write('a,b\\n1,2\\n'); open('j.json', 'w').write('{}')",
    );
    await files.row("d, folder").click();
    await expect(files.tree).toContainText("Empty");
    expect(await accessibilityProblems(notebook)).toEqual([]);
    expect(await overflow()).toBe(0);
    await files.rows.filter({ hasText: "telephone" }).click();
    await page.getByRole("dialog").getByRole("table").waitFor();
    expect(await accessibilityProblems(notebook)).toEqual([]);
    expect(await overflow()).toBe(0);
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await files.dialog("Delete a name").waitFor();
    expect(await accessibilityProblems(notebook)).toEqual([]);
  });
}
