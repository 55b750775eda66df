import { expect, notebookFile, test } from "./notebook-page.js";

test.describe("running cells", () => {
  test("the example shows a figure, a table, a chart and an error", async ({ notebook }) => {
    await notebook.open();
    await notebook.runAll();
    await expect(notebook.output(2).getByRole("img")).toBeVisible();
    await expect(notebook.output(4).getByRole("table")).toContainText("upper right");
    await expect(notebook.output(5).locator("iframe")).toBeVisible();
    await expect(notebook.output(7)).toContainText("ZeroDivisionError");
  });

  test("state is kept from one cell to the next, and runs are counted", async ({ notebook }) => {
    await notebook.open(["x = 41", "x + 1"]);
    await notebook.runAll();
    await expect(notebook.output(2)).toContainText("42");
    await expect(notebook.count(1)).toContainText("[1]");
    await expect(notebook.count(2)).toContainText("[2]");
    await expect(notebook.mark(2)).toContainText("Done");
  });

  test("output streams while the cell runs, and the next waits its turn", async ({ notebook }) => {
    await notebook.open(["print('first')\ninput()", "print('second')"]);
    await notebook.runAll();
    await expect(notebook.output(1)).toContainText("first");
    await expect(notebook.mark(1)).toContainText("Running");
    await expect(notebook.mark(2)).toContainText("Queued");
    await notebook.page.getByLabel("Input").press("Enter");
    await expect(notebook.output(2)).toContainText("second");
  });

  test("a failure keeps the cells behind it from running, and says so", async ({ notebook }) => {
    await notebook.open(["1 / 0", "print('never')"]);
    await notebook.runAll();
    await expect(notebook.mark(1)).toContainText("Failed");
    await expect(notebook.mark(2)).toContainText("Not run: the cell before it failed");
    await expect(notebook.output(2)).toHaveCount(0);
  });

  test("input() is answered in the cell, and passwords are not shown", async ({ notebook }) => {
    await notebook.open([
      "from getpass import getpass\nname = input('Name? ')\nword = getpass('Word? ')\nprint(name, len(word))",
    ]);
    await notebook.run(1);
    await notebook.page.getByLabel("Name?").fill("Ada");
    await notebook.page.keyboard.press("Enter");
    const password = notebook.page.getByLabel("Word?");
    await expect(password).toHaveAttribute("type", "password");
    await password.fill("secret");
    await notebook.page.keyboard.press("Enter");
    await expect(notebook.output(1)).toContainText("Ada 6");
    await expect(notebook.output(1)).toContainText("Name? Ada");
    await expect(notebook.output(1)).not.toContainText("secret");
  });

  test("a display is updated by a later cell", async ({ notebook }) => {
    await notebook.open([
      "from IPython.display import display\nhandle = display('before', display_id=True)",
      "handle.update('after')",
    ]);
    await notebook.run(1);
    await expect(notebook.output(1)).toContainText("before");
    await notebook.run(2);
    await expect(notebook.output(1)).toContainText("after");
    await expect(notebook.output(1)).not.toContainText("before");
  });

  test("an interrupt stops the cell and keeps the state", async ({ notebook }) => {
    await notebook.open(["x = 1\nprint('on')\nwhile True: pass", "x"]);
    await notebook.run(1);
    await expect(notebook.output(1)).toContainText("on");
    await notebook.select(1);
    await notebook.page.keyboard.press("i");
    await notebook.page.keyboard.press("i");
    await expect(notebook.mark(1)).toContainText("Interrupted");
    await notebook.run(2);
    await expect(notebook.output(2)).toContainText("1");
  });

  test("a restart forgets the state, and says so", async ({ notebook }) => {
    await notebook.open(["x = 1", "x"]);
    await notebook.runAll();
    await expect(notebook.mark(2)).toContainText("Done");
    await notebook.select(1);
    await notebook.page.keyboard.press("0");
    await notebook.page.keyboard.press("0");
    await notebook.page.getByRole("button", { name: "Restart", exact: true }).click();
    await expect(notebook.page.getByText("State was lost")).toBeVisible();
    await expect(notebook.count(1)).toContainText("its state is gone");
    await notebook.run(2);
    await expect(notebook.output(2)).toContainText("NameError");
  });

  test("an interpreter's death is told in words, and the next one works", async ({ notebook }) => {
    await notebook.open(["import os; os.kill(os.getpid(), 11)", "print('alive')"]);
    await notebook.run(1);
    await expect(notebook.mark(1)).toContainText("crashed: a memory access violation");
    await expect(notebook.page.getByText("State was lost")).toBeVisible();
    await notebook.run(2);
    await expect(notebook.output(2)).toContainText("alive");
  });
});

test.describe("writing", () => {
  test("Tab completes by what the interpreter knows, and Shift+Tab explains it", async ({
    notebook,
  }) => {
    await notebook.open([
      "class Thing:\n    'A thing of its own.'\n    ignition = 1\nit = Thing()",
      "",
    ]);
    await notebook.run(1);
    await expect(notebook.mark(1)).toContainText("Done");
    await notebook.editor(2).click();
    await notebook.page.keyboard.type("it.ign");
    await notebook.page.keyboard.press("Tab");
    await notebook.page.getByRole("option", { name: "ignition" }).click();
    await expect(notebook.editor(2)).toHaveText("it.ignition");
    await notebook.page.keyboard.press("Enter");
    await notebook.page.keyboard.type("Thing");
    await notebook.page.keyboard.press("Shift+Tab");
    await expect(notebook.page.getByRole("tooltip")).toContainText("A thing of its own.");
  });

  test("Markdown is rendered with formulas, and cannot act", async ({ notebook }) => {
    await notebook.open([
      {
        markdown:
          "## Title\n\nEuler: $e^{i\\pi} = -1$\n\n<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>",
      },
    ]);
    await expect(notebook.page.getByRole("heading", { name: "Title" })).toBeVisible();
    await expect(notebook.cell(1).locator(".katex")).toBeVisible();
    await expect(notebook.page).toHaveTitle("Hotcell");
    await notebook.cell(1).dblclick();
    const editor = notebook.page.getByRole("textbox", { name: "Markdown of cell 1" });
    await editor.press("Control+Home");
    await editor.press("Delete");
    await editor.press("Shift+Enter");
    await expect(notebook.page.getByRole("heading", { name: "Title", level: 1 })).toBeVisible();
  });
});

test.describe("keys", () => {
  test("work on cells in command mode, and into them in edit mode", async ({ notebook }) => {
    const { keyboard } = notebook.page;
    await notebook.open(["a", "b", "c"]);
    await notebook.select(1);
    await keyboard.press("j");
    await expect(notebook.cell(2)).toBeFocused();
    await keyboard.press("a");
    await keyboard.press("Enter");
    await keyboard.type("new");
    await keyboard.press("Escape");
    await expect.poll(() => notebook.sources()).toEqual(["a", "new", "b", "c"]);
    await keyboard.press("d");
    await keyboard.press("d");
    await expect.poll(() => notebook.sources()).toEqual(["a", "b", "c"]);
    await keyboard.press("z");
    await expect.poll(() => notebook.sources()).toEqual(["a", "new", "b", "c"]);
    await keyboard.press("x");
    await keyboard.press("ArrowDown");
    await keyboard.press("v");
    await expect.poll(() => notebook.sources()).toEqual(["a", "b", "c", "new"]);
    await keyboard.press("Control+Shift+ArrowUp");
    await expect.poll(() => notebook.sources()).toEqual(["a", "b", "new", "c"]);
    await keyboard.press("m");
    await expect(notebook.cell(3)).toHaveAccessibleName("Cell 3, markdown");
    await keyboard.press("y");
    await expect(notebook.cell(3)).toHaveAccessibleName("Cell 3, code");
  });

  test("run the cell and stay, go on, or insert", async ({ notebook }) => {
    const { keyboard } = notebook.page;
    await notebook.open(["print('one')", "print('two')"]);
    await notebook.editor(1).click();
    await keyboard.press("Shift+Enter");
    await expect(notebook.output(1)).toContainText("one");
    await expect(notebook.cell(2)).toBeFocused();
    await keyboard.press("Control+Enter");
    await expect(notebook.output(2)).toContainText("two");
    await expect(notebook.cell(2)).toBeFocused();
    await keyboard.press("Alt+Enter");
    await keyboard.type("3");
    await expect(notebook.cells).toHaveCount(3);
    await keyboard.press("Shift+Enter");
    await expect(notebook.output(3)).toContainText("3");
    await expect(notebook.cells).toHaveCount(4);
    await expect(notebook.editor(4)).toBeFocused();
  });

  test("are listed by ?", async ({ notebook }) => {
    await notebook.open(["a"]);
    await notebook.select(1);
    await notebook.page.keyboard.press("?");
    await expect(notebook.page.getByRole("dialog", { name: "Keys" })).toContainText(
      "Run the cell and go to the next",
    );
    await notebook.page.keyboard.press("Escape");
    await expect(notebook.page.getByRole("dialog")).toHaveCount(0);
    await expect(notebook.cell(1)).toBeFocused();
  });
});

test.describe("files of notebooks", () => {
  test("come out as they went in, with the outputs of the runs", async ({ notebook }) => {
    await notebook.open(["print('kept')", { markdown: "# Text" }]);
    await notebook.run(1);
    await expect(notebook.output(1)).toContainText("kept");
    const [download] = await Promise.all([
      notebook.page.waitForEvent("download"),
      notebook.page.getByRole("button", { name: "Download the notebook" }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/\.ipynb$/);
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
    const content = JSON.parse(Buffer.concat(chunks).toString()) as object;
    expect(content).toMatchObject({
      nbformat: 4,
      nbformat_minor: 5,
      cells: [
        {
          cell_type: "code",
          id: "cell-0",
          source: ["print('kept')"],
          execution_count: 1,
          outputs: [{ output_type: "stream", name: "stdout", text: ["kept\n"] }],
        },
        { cell_type: "markdown", id: "cell-1", source: ["# Text"] },
      ],
    });
  });

  test("can be dropped on the page, and the one before be brought back", async ({ notebook }) => {
    await notebook.open(["before"]);
    const files = await notebook.page.evaluateHandle(
      (content) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([content], "dropped.ipynb"));
        return transfer;
      },
      notebookFile(["dropped"]).toString(),
    );
    await notebook.page.dispatchEvent("main", "drop", { dataTransfer: files });
    await expect.poll(() => notebook.sources()).toEqual(["dropped"]);
    await notebook.page.getByRole("button", { name: "Bring back the one before" }).click();
    await expect.poll(() => notebook.sources()).toEqual(["before"]);
  });

  test("that are none are refused in words, and what is open stays", async ({ notebook }) => {
    await notebook.open(["a"]);
    await notebook.load("photo.ipynb", Buffer.from("not a notebook"));
    await expect(notebook.page.getByRole("alert")).toContainText("photo.ipynb cannot be opened");
    expect(await notebook.sources()).toEqual(["a"]);
  });
});
