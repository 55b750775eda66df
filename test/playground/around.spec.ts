import { gzipSync } from "node:zlib";
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, test } from "./notebook-page.js";

/** How much script the page may load before it can be used, in bytes as gzip has them. */
const FIRST_LOAD = 250_000;

async function accessibilityProblems(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`,
  );
}

test("the first load is small, from this gateway alone, and within its policy", async ({
  notebook,
}) => {
  const scripts: Promise<Buffer>[] = [];
  const hosts = new Set<string>();
  const refused: string[] = [];
  notebook.page.on("request", (request) => hosts.add(new URL(request.url()).host));
  notebook.page.on("response", (response) => {
    if (/\.js$/.test(new URL(response.url()).pathname)) scripts.push(response.body());
  });
  notebook.page.on("console", (message) => {
    if (/Content.Security.Policy/i.test(message.text())) refused.push(message.text());
  });
  // Formulas are typeset by a part that is loaded when there are some.
  await notebook.page.route(/typeset-math/, (route) => route.abort());
  await notebook.open();
  await expect(notebook.editor(2)).toBeVisible();
  const sizes = (await Promise.all(scripts)).map((script) => gzipSync(script).length);
  expect(sizes.length).toBeGreaterThan(0);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(FIRST_LOAD);
  expect([...hosts]).toEqual([new URL(notebook.proxy.url).host]);
  expect(refused).toEqual([]);
});

test("without a key the page asks for one, and keeps asking until it is right", async ({
  notebook,
}) => {
  const { page } = notebook;
  await page.goto(notebook.proxy.url);
  const dialog = page.getByRole("dialog", { name: "This gateway asks for a key" });
  await dialog.getByLabel("Key").fill("hc_wrong");
  await page.keyboard.press("Enter");
  await expect(dialog).toContainText("does not accept this key");
  await dialog.getByLabel("Key").fill(notebook.gateway.key);
  await page.keyboard.press("Enter");
  await expect(dialog).toHaveCount(0);
  await notebook.runAll();
  await expect(notebook.output(2)).toBeVisible();
  await page.reload();
  await expect(notebook.output(2)).toBeVisible();
  await expect(dialog).toHaveCount(0);
});

test("sessions can be made with limits, listed, gone back to and ended", async ({ notebook }) => {
  const { page } = notebook;
  await notebook.open(["place = 'first'", "place"]);
  await notebook.run(1);
  await expect(notebook.mark(1)).toContainText("Done");
  const first = await notebook.sessionId;

  await page.getByRole("button", { name: /^Session and files/ }).click();
  await page.getByRole("button", { name: "New session" }).click();
  const dialog = page.getByRole("dialog", { name: "New session" });
  await expect(dialog.getByLabel("Image")).toContainText("python");
  await dialog.getByLabel("Memory").fill("512");
  await dialog.getByLabel("An empty one").check();
  await dialog.getByRole("button", { name: "Start session" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(page.getByRole("complementary")).toContainText("of 512 MB");
  await expect(notebook.cells).toHaveCount(1);

  await page.getByTitle(`Go over to ${first}`).click();
  await expect.poll(() => notebook.sources()).toEqual(["place = 'first'", "place"]);
  await notebook.run(2);
  await expect(notebook.output(2)).toContainText("first");

  await page.getByRole("button", { name: "End session", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("The session was ended.");
  await expect
    .poll(async () => (await notebook.gateway.call("GET", `/v1/sessions/${first}`)).status)
    .toBe(410);
});

test("the theme follows the system until another is chosen, and then stays", async ({
  notebook,
}) => {
  const { page } = notebook;
  const theme = () => page.locator("html").getAttribute("data-theme");
  await page.emulateMedia({ colorScheme: "dark" });
  await notebook.open(["a"]);
  expect(await theme()).toBe("dark");
  await page.emulateMedia({ colorScheme: "light" });
  await expect.poll(theme).toBe("light");
  await page.getByRole("button", { name: "Theme: as the system" }).click();
  await page.getByRole("button", { name: "Theme: light" }).click();
  expect(await theme()).toBe("dark");
  await page.reload();
  await page.getByRole("button", { name: "Theme: dark" }).waitFor();
  expect(await theme()).toBe("dark");
});

for (const scheme of ["light", "dark"] as const) {
  test(`everything can be read and reached in the ${scheme} theme`, async ({ notebook }) => {
    const { page } = notebook;
    await page.emulateMedia({ colorScheme: scheme });
    await notebook.open(["print('text')", "import os; os.kill(os.getpid(), 11)", "input('name ')"]);
    expect(await accessibilityProblems(page)).toEqual([]);
    await notebook.run(1);
    await expect(notebook.output(1)).toContainText("text");
    await notebook.run(2);
    await expect(page.getByText("State was lost")).toBeVisible();
    await notebook.run(3);
    await page.getByLabel("name").waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.getByRole("button", { name: /^Session and files/ }).click();
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.getByRole("button", { name: "New session" }).click();
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Keys" }).click();
    expect(await accessibilityProblems(page)).toEqual([]);
  });
}

test("it fits a telephone", async ({ notebook }) => {
  const { page } = notebook;
  await page.setViewportSize({ width: 360, height: 740 });
  await notebook.open();
  const overflow = () =>
    page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(await overflow()).toBe(0);
  await notebook.runAll();
  await expect(notebook.output(7)).toContainText("ZeroDivisionError");
  expect(await overflow()).toBe(0);
  await page.getByRole("button", { name: /^Session and files/ }).click();
  await expect(page.getByRole("button", { name: "New session" })).toBeInViewport();
  expect(await overflow()).toBe(0);
});
