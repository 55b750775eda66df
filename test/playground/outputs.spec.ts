import { expect, test } from "./output-page.js";

const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const DATA_FRAME = `<div>
<style scoped>
    .dataframe tbody tr th { vertical-align: top; }
</style>
<table border="1" class="dataframe">
  <thead><tr style="text-align: right;"><th></th><th>city</th><th>people</th></tr></thead>
  <tbody><tr><th>0</th><td>Ghent</td><td>265086</td></tr></tbody>
</table>
<p>1 rows × 2 columns</p>
</div>`;

const lines = (count: number) =>
  Array.from({ length: count }, (_, index) => `line ${index}\n`).join("");

test.describe("text", () => {
  test("has its colours, and the theme's contrast for those without a name", async ({
    outputPage,
    page,
  }) => {
    await outputPage.show([
      outputPage.stream("\u001b[31mred\u001b[0m \u001b[1;38;5;21mblue\u001b[0m\n"),
    ]);
    await expect(page.getByText("red", { exact: true })).toHaveClass("ansi-color-1");
    const blue = page.getByText("blue", { exact: true });
    await expect(blue).toHaveCSS("font-weight", "600");
    const light = await blue.evaluate((element) => getComputedStyle(element).color);
    await page.emulateMedia({ colorScheme: "dark" });
    await expect(blue).not.toHaveCSS("color", light);
  });

  test("a progress bar overwrites itself while it is written", async ({ outputPage, page }) => {
    const bar = outputPage.stream("");
    for (const [text, shown] of [
      [" 10%", "10%"],
      [" 10%\r 50%", "50%"],
      [" 10%\r 50%\r100%\n", "100%"],
    ] as const) {
      await outputPage.show([{ ...bar, output_type: "stream", name: "stdout", text }]);
      await expect(page.locator(".terminal-line")).toHaveText(shown);
    }
  });

  test("long text is folded, with a count; a button unfolds it and folds it again", async ({
    outputPage,
    page,
  }) => {
    await outputPage.show([outputPage.stream(lines(120))]);
    const region = page.getByRole("region", { name: "Standard output, 120 lines" });
    await expect(region).toBeVisible();
    await expect(page.getByText("line 119")).toHaveCount(0);
    await page.getByRole("button", { name: "Show more" }).click();
    await expect(page.getByText("line 119")).toBeAttached();
    await expect(region).toHaveCount(0);
    await page.getByRole("button", { name: "Show less" }).click();
    await expect(region).toBeVisible();
  });

  test("of 100,000 lines only those in sight are in the page, wherever one scrolls", async ({
    outputPage,
    page,
  }) => {
    await outputPage.show([outputPage.stream(lines(100_000))]);
    const region = page.getByRole("region", { name: "Standard output, 100,000 lines" });
    await expect(region.getByText("line 0", { exact: true })).toBeVisible();
    await region.evaluate((element) => (element.scrollTop = element.scrollHeight / 2));
    await expect(region.getByText("line 50000", { exact: true })).toBeVisible();
    await region.focus();
    await page.keyboard.press("End");
    await expect(region.getByText("line 99999", { exact: true })).toBeVisible();
    expect(await region.locator(".terminal-line").count()).toBeLessThan(100);
  });

  test("the end stays in sight while text arrives, unless the reader has scrolled away", async ({
    outputPage,
    page,
  }) => {
    const output = outputPage.stream("");
    const show = (count: number) =>
      outputPage.show(
        [{ ...output, output_type: "stream", name: "stdout", text: lines(count) }],
        true,
      );
    await show(1000);
    await expect(page.getByText("line 999", { exact: true })).toBeVisible();
    await show(2000);
    await expect(page.getByText("line 1999", { exact: true })).toBeVisible();
    await page.getByRole("region").evaluate((element) => element.scrollTo(0, 0));
    await expect(page.getByText("line 0", { exact: true })).toBeVisible();
    await show(3000);
    await expect(page.getByText("3,000 lines")).toBeVisible();
    await expect(page.getByText("line 0", { exact: true })).toBeVisible();
  });
});

test.describe("errors", () => {
  test("show their traceback in colours", async ({ outputPage, page }) => {
    await outputPage.show([
      outputPage.error("ValueError", "bad", ["Traceback", "\u001b[31mValueError\u001b[0m: bad"]),
    ]);
    const error = page.getByRole("group", { name: "Error: ValueError: bad" });
    await expect(error.getByText("ValueError", { exact: true })).toHaveClass("ansi-color-1");
  });

  test("a long traceback shows its ends, and all of it when asked", async ({
    outputPage,
    page,
  }) => {
    const frames = Array.from({ length: 100 }, (_, index) => `frame ${index}`);
    await outputPage.show([outputPage.error("RecursionError", "", [...frames, "RecursionError"])]);
    await expect(page.getByText("frame 0", { exact: true })).toBeVisible();
    await expect(page.getByText("frame 99", { exact: true })).toBeVisible();
    await expect(page.getByText("frame 50", { exact: true })).toHaveCount(0);
    await page.getByRole("button", { name: "Show 81 more lines" }).click();
    await expect(page.getByText("frame 50", { exact: true })).toBeVisible();
  });

  test("without a traceback the name is shown", async ({ outputPage, page }) => {
    await outputPage.show([outputPage.error("KernelDied", "out of memory", [])]);
    await expect(page.getByText("KernelDied: out of memory")).toBeVisible();
  });
});

test.describe("tables", () => {
  test("a DataFrame is a table of the page", async ({ outputPage, page }) => {
    await outputPage.show([outputPage.display({ "text/html": DATA_FRAME })]);
    await expect(page.getByRole("cell", { name: "Ghent" })).toHaveCSS("text-align", "left");
    await expect(page.getByRole("cell", { name: "265086" })).toHaveCSS("text-align", "right");
    await expect(page.getByText("1 rows × 2 columns")).toBeVisible();
    await expect(page.locator("iframe")).toHaveCount(0);
  });

  for (const [what, html] of [
    ["scripts", "<table><tr><td>1</td></tr></table><script>1</script>"],
    ["handlers", "<table onclick='x()'><tr><td>1</td></tr></table>"],
    ["pictures", "<table><tr><td><img src=x onerror=x()></td></tr></table>"],
    ["styles of its own", "<style>#T td { color: red }</style><table><tr><td>1</td></tr></table>"],
  ] as const) {
    test(`a table with ${what} is isolated`, async ({ outputPage, page }) => {
      await outputPage.show([outputPage.display({ "text/html": html })]);
      await expect(page.locator("iframe")).toHaveCount(1);
      await expect(page.getByRole("table")).toHaveCount(0);
    });
  }
});

test.describe("pictures", () => {
  test("a PNG has the size and the words of its metadata", async ({ outputPage, page }) => {
    await outputPage.show([
      outputPage.display(
        { "image/png": PIXEL, "text/plain": "<Figure size 1x1>" },
        { "image/png": { width: 40, height: 30, alt: "A pixel" } },
      ),
    ]);
    const picture = page.getByRole("img", { name: "A pixel" });
    await expect(picture).toHaveAttribute("width", "40");
    await expect(picture).toHaveJSProperty("naturalWidth", 1);
  });

  test("a picture opens enlarged, and Escape closes it", async ({ outputPage, page }) => {
    await outputPage.show([outputPage.display({ "image/png": PIXEL })]);
    await page.getByRole("button", { name: "Enlarge: Picture" }).click();
    const dialog = page.getByRole("dialog", { name: "Picture" });
    await expect(dialog).toBeVisible();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      dialog.getByRole("link", { name: "Save picture" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("picture.png");
    await page.keyboard.press("Escape");
    await expect(dialog).toBeHidden();
  });

  test("an SVG is a picture, also without its namespace", async ({ outputPage, page }) => {
    const svg = '<svg width="30" height="20"><rect width="30" height="20"/></svg>';
    await outputPage.show([outputPage.display({ "image/svg+xml": svg })]);
    await expect(page.locator(".picture-button img")).toHaveJSProperty("naturalWidth", 30);
  });
});

test.describe("documents", () => {
  test("LaTeX is typeset", async ({ outputPage, page }) => {
    await outputPage.show([outputPage.display({ "text/latex": "$\\frac{a}{b}$" })]);
    await expect(page.locator(".katex-html .mfrac")).toBeAttached();
    await expect(page.locator(".katex .mfrac").first()).toBeVisible();
  });

  test("Markdown is a document, in which nothing can run", async ({ outputPage, page }) => {
    const failures: string[] = [];
    page.on("pageerror", ({ message }) => failures.push(message));
    await outputPage.show([
      outputPage.display({
        "text/markdown":
          "# Title\n\n<img src=x onerror='document.title = \"run\"'><script>document.title = 'run'</script>[link](javascript:document.title='run')",
      }),
    ]);
    await expect(page.getByRole("heading", { name: "Title" })).toBeVisible();
    await expect(page.getByRole("link")).toHaveCount(0);
    expect(await page.title()).toBe("Outputs");
    expect(failures).toEqual([]);
  });
});

test("JSON is a tree for the keyboard", async ({ outputPage, page }) => {
  const list = Array.from({ length: 250 }, (_, index) => index);
  await outputPage.show([outputPage.display({ "application/json": { name: "cell", list } })]);
  const item = (name: RegExp) => page.getByRole("treeitem", { name });
  await expect(item(/^name: "cell"/)).toBeVisible();
  await expect(item(/^list/)).toHaveAttribute("aria-expanded", "false");
  await page.getByRole("treeitem").first().focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  await expect(item(/^list/)).toHaveAttribute("aria-expanded", "true");
  await expect(item(/^99: 99/)).toBeAttached();
  await page.keyboard.press("End");
  await expect(item(/^150 more/)).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(item(/^199: 199/)).toBeAttached();
  await page.keyboard.press("ArrowLeft");
  await expect(item(/^list/)).toHaveAttribute("aria-expanded", "false");
});

test.describe("charts", () => {
  const plotly = "application/vnd.plotly.v1+json";

  test("a Plotly figure is drawn, and again in another theme", async ({ outputPage, page }) => {
    await outputPage.show([
      outputPage.display({ [plotly]: { data: [{ type: "bar", x: ["a", "b"], y: [1, 2] }] } }),
    ]);
    const frame = page.frameLocator("iframe");
    await expect(frame.locator(".bars .point")).toHaveCount(2);
    const tick = frame.locator(".xtick text").first();
    const light = await tick.evaluate((element) => getComputedStyle(element).fill);
    await page.emulateMedia({ colorScheme: "dark" });
    await expect(frame.locator(".xtick text").first()).not.toHaveCSS("fill", light);
  });

  test("a kind of trace that is not there is named, and the value shown in its next best way", async ({
    outputPage,
    page,
  }) => {
    await outputPage.show([
      outputPage.display({ [plotly]: { data: [{ type: "cone" }] }, "text/plain": "Figure()" }),
    ]);
    await expect(page.getByText("no traces of type cone")).toBeVisible();
    await expect(page.getByText("Figure()")).toBeVisible();
  });

  const values = [
    { a: "A", b: 28 },
    { a: "B", b: 55 },
  ];

  for (const version of [5, 6]) {
    test(`a Vega-Lite ${version} chart is drawn`, async ({ outputPage, page }) => {
      await outputPage.show([
        outputPage.display({
          [`application/vnd.vegalite.v${version}+json`]: {
            $schema: `https://vega.github.io/schema/vega-lite/v${version}.json`,
            data: { values },
            mark: "bar",
            encoding: { x: { field: "a" }, y: { field: "b", type: "quantitative" } },
          },
        }),
      ]);
      await expect(page.frameLocator("iframe").locator(".mark-rect path")).toHaveCount(2);
    });

    test(`a Vega ${version} chart is drawn`, async ({ outputPage, page }) => {
      await outputPage.show([
        outputPage.display({
          [`application/vnd.vega.v${version}+json`]: {
            $schema: `https://vega.github.io/schema/vega/v${version}.json`,
            width: 100,
            height: 50,
            data: [{ name: "table", values }],
            marks: [
              {
                type: "symbol",
                from: { data: "table" },
                encode: { enter: { x: { field: "b" }, fill: { value: "red" } } },
              },
            ],
          },
        }),
      ]);
      await expect(page.frameLocator("iframe").locator(".mark-symbol path")).toHaveCount(2);
    });
  }
});

test.describe("HTML and JavaScript", () => {
  test("scripts and handlers of HTML run in the frame", async ({ outputPage, page }) => {
    await outputPage.show([
      outputPage.display({
        "text/html": `<button id="b" onclick="this.textContent = 'pressed ' + total">press</button>
          <script>var total = 1;</script><script>total += 1; document.getElementById("b").title = "ran";</script>`,
      }),
    ]);
    const button = page.frameLocator("iframe").getByRole("button");
    await expect(button).toHaveAttribute("title", "ran");
    await button.click();
    await expect(button).toHaveText("pressed 2");
  });

  test("JavaScript has its element, and its errors are shown", async ({ outputPage, page }) => {
    await outputPage.show([
      outputPage.display({
        "application/javascript": "element.textContent = 'made'; throw new RangeError('too far')",
      }),
    ]);
    const frame = page.frameLocator("iframe");
    await expect(frame.getByText("made")).toBeVisible();
    await expect(frame.getByText("RangeError: too far")).toBeVisible();
  });

  test("a frame is as high as what it shows, up to a bound", async ({ outputPage, page }) => {
    const html = (height: number) => `<div style="height: ${height}px">tall</div>`;
    await outputPage.show([
      outputPage.display({ "text/html": html(200) }),
      outputPage.display({ "text/html": html(5000) }),
    ]);
    await expect(page.locator("iframe").first()).toHaveAttribute("height", "200");
    await expect(page.locator("iframe").last()).toHaveAttribute("height", "720");
  });

  test("what the network would have given is named", async ({ outputPage, page }) => {
    await outputPage.show([
      outputPage.display({ "text/html": '<script src="https://cdn.example/x.js"></script>' }),
    ]);
    await expect(page.getByText("cdn.example")).toBeVisible();
  });

  test("a link is opened only after the page has asked", async ({ outputPage, page, context }) => {
    await outputPage.show([
      outputPage.display({ "text/html": '<a href="https://example.invalid/?q=1">away</a>' }),
    ]);
    await page.frameLocator("iframe").getByRole("link", { name: "away" }).click();
    await expect(page.getByText("https://example.invalid/?q=1")).toBeVisible();
    expect(context.pages()).toHaveLength(1);
    const open = page.getByRole("link", { name: "Open" });
    await expect(open).toHaveAttribute("rel", "noopener noreferrer");
    const [opened] = await Promise.all([context.waitForEvent("page"), open.click()]);
    await expect(page.getByText("https://example.invalid/?q=1")).toHaveCount(0);
    await opened.close();
  });
});

test.describe("what changes", () => {
  test("an updated display is drawn anew in its place", async ({ outputPage, page }) => {
    const first = outputPage.display({ "text/plain": "step 1" });
    const after = outputPage.stream("after\n");
    await outputPage.show([first, after]);
    await expect(page.getByText("step 1")).toBeVisible();
    await outputPage.show([
      { ...first, output_type: "display_data", data: { "text/plain": "step 2" }, metadata: {} },
      after,
    ]);
    await expect(page.getByText("step 2")).toBeVisible();
    await expect(page.locator(".output-area")).toHaveText(/step 2.*after/s);
  });

  test("an updated chart is drawn anew in its frame, and other HTML in another", async ({
    outputPage,
    page,
  }) => {
    const bars = (y: number[]) => ({
      "application/vnd.plotly.v1+json": { data: [{ type: "bar", y }] },
    });
    const chart = outputPage.display(bars([1, 2]));
    const html = outputPage.display({ "text/html": "<b>one</b>" });
    await outputPage.show([chart, html]);
    const frame = (index: number) => page.locator("iframe").nth(index).contentFrame();
    await expect(frame(0).locator(".bars .point")).toHaveCount(2);
    await expect(frame(1).getByText("one")).toBeVisible();
    const first = await page.locator("iframe").first().elementHandle();
    await outputPage.show([
      { ...chart, output_type: "display_data", data: bars([1, 2, 3]), metadata: {} },
      { ...html, output_type: "display_data", data: { "text/html": "<b>two</b>" }, metadata: {} },
    ]);
    await expect(frame(0).locator(".bars .point")).toHaveCount(3);
    await expect(frame(1).getByText("two")).toBeVisible();
    await expect(frame(1).getByText("one")).toHaveCount(0);
    expect(await first.evaluate((element) => element.isConnected)).toBe(true);
  });

  test("cleared outputs are gone", async ({ outputPage, page }) => {
    await outputPage.show([outputPage.stream("here\n")]);
    await expect(page.getByText("here")).toBeVisible();
    await outputPage.show([]);
    await expect(page.getByText("here")).toHaveCount(0);
  });
});

test.describe("values too large for their events", () => {
  const href = "/v1/sessions/ses_1/executions/exe_1/artifacts/art_1";
  const large = (href: string) => ({
    hotcell: { artifacts: [{ mime: "text/plain", bytes: 12_000_000, href }] },
  });

  test("are loaded by a button that says how large they are", async ({ outputPage, page }) => {
    outputPage.site.answers.set(href, "the whole text");
    await outputPage.show([outputPage.display({}, large(href))]);
    await page.getByRole("button", { name: "Load 12 MB" }).click();
    await expect(page.getByText("the whole text")).toBeVisible();
  });

  test("can be asked for again when they did not come", async ({ outputPage, page }) => {
    await outputPage.show([outputPage.display({}, large(href))]);
    await page.getByRole("button", { name: "Load 12 MB" }).click();
    await expect(page.getByRole("alert")).toContainText("404");
    outputPage.site.answers.set(href, "late");
    await page.getByRole("button", { name: "Load 12 MB" }).click();
    await expect(page.getByText("late")).toBeVisible();
  });

  test("are asked for nowhere but at the gateway's artifacts", async ({ outputPage, page }) => {
    await outputPage.show([
      outputPage.display({ "text/plain": "small" }, large("/v1/sessions/ses_1/files/x")),
    ]);
    await expect(page.getByText("small")).toBeVisible();
    await expect(page.getByRole("button", { name: /^Load/ })).toHaveCount(0);
  });
});

test("a type that nobody knows is shown as its plain text", async ({ outputPage, page }) => {
  await outputPage.show([
    outputPage.display({ "application/x-unknown": "?", "text/plain": "Widget(value=3)" }),
  ]);
  await expect(page.getByText("Widget(value=3)")).toBeVisible();
});
