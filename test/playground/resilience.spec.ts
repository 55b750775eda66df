import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGatewayProcess } from "../e2e/gateway-process.js";
import { openGatewayProxy } from "./gateway-proxy.js";
import { expect, NotebookPage, test } from "./notebook-page.js";

/** Prints a number at each answer, so that the test says when the run goes on. */
const ASKING = "for n in range(3):\n    print('line', n)\n    input('go on? ')\nprint('end')";

test("after a reload a running cell goes on where it is, and those behind it follow", async ({
  notebook,
}) => {
  await notebook.open([ASKING, "print('after')"]);
  await notebook.runAll();
  const answer = notebook.page.getByLabel("go on?");
  await answer.press("Enter");
  await expect(notebook.output(1)).toContainText("line 1");
  await answer.waitFor();
  await notebook.page.reload();
  await expect(notebook.output(1)).toContainText("line 1");
  await expect(notebook.output(1)).toContainText("line 0");
  await answer.press("Enter");
  await expect(notebook.output(1)).toContainText("line 2");
  await answer.press("Enter");
  await expect(notebook.output(1)).toContainText("end");
  await expect(notebook.output(2)).toContainText("after");
});

test("after a reload finished cells are as they were, and the state is there", async ({
  notebook,
}) => {
  await notebook.open(["x = 6", "x * 7"]);
  await notebook.runAll();
  await expect(notebook.output(2)).toContainText("42");
  await notebook.page.reload();
  await expect(notebook.output(2)).toContainText("42");
  await expect(notebook.count(2)).toContainText("[2]");
  await notebook.run(2);
  await expect(notebook.count(2)).toContainText("[3]");
  await expect(notebook.output(2)).toContainText("42");
});

test("a lost connection is said calmly, and nothing that ran meanwhile is missing or doubled", async ({
  notebook,
}) => {
  await notebook.open([
    "from pathlib import Path\nfrom time import sleep\nprint('line 0')\nwhile not Path('go').exists(): sleep(0.01)\nprint('line 1')\nPath('went').touch()\nwhile not Path('end').exists(): sleep(0.01)\nprint('line 2')",
  ]);
  await notebook.run(1);
  await expect(notebook.output(1)).toContainText("line 0");
  const id = await notebook.sessionId;
  const touch = (name: string) =>
    notebook.gateway.call("PUT", `/v1/sessions/${id}/files/${name}`, undefined);
  notebook.proxy.cut();
  await expect(notebook.page.getByText("The gateway does not answer")).toBeVisible();
  await touch("go");
  await expect
    .poll(async () => (await notebook.gateway.call("GET", `/v1/sessions/${id}/files/went`)).status)
    .toBe(200);
  notebook.proxy.mend();
  await expect(notebook.page.getByText("The gateway does not answer")).toHaveCount(0);
  await expect(notebook.output(1)).toContainText("line 1");
  await touch("end");
  await expect(notebook.output(1)).toContainText("line 2");
  const text = await notebook.output(1).innerText();
  expect(text.match(/line \d/g)).toEqual(["line 0", "line 1", "line 2"]);
});

test("a gateway that is killed and started again loses no line, no session and no file", async ({
  page,
}) => {
  const home = await mkdtemp(join(tmpdir(), "hc-"));
  const options = { home, keepSessions: true, env: { HOTCELL_RUNTIME: "local" } };
  let gateway = await startGatewayProcess(options);
  const proxy = await openGatewayProxy(gateway.url);
  try {
    const notebook = new NotebookPage(page, gateway, proxy);
    const other = await gateway.session({ id: "another" });
    await notebook.open([
      "from pathlib import Path\nfrom time import sleep\nPath('made.txt').touch()\nn = 0\nwhile not Path('end').exists():\n    print('line', n)\n    n += 1\n    sleep(0.2)\nanswer = input('go on? ')",
      "print(answer, n)",
    ]);
    await notebook.runAll();
    await expect(notebook.output(1)).toContainText("line 2");
    await page.getByRole("button", { name: /^Session and files/ }).click();
    const pane = page.getByRole("complementary");
    await pane.getByRole("tab", { name: "Files" }).click();
    await expect(pane.getByRole("treeitem", { name: "made.txt" })).toBeVisible();

    process.kill(-(gateway.process.pid ?? 0), "SIGKILL");
    await gateway.stop("SIGKILL");
    await expect(page.getByText("The gateway does not answer. What runs there")).toBeVisible();
    await expect(page.getByText("Reconnecting").first()).toBeVisible();
    gateway = await startGatewayProcess({ ...options, port: Number(new URL(gateway.url).port) });
    await expect(page.getByText("The gateway does not answer")).toHaveCount(0);
    const session = await gateway.client.attach(await notebook.sessionId);
    await session.files.put("end", "");
    await page.getByLabel("go on?").fill("went");
    await page.getByLabel("go on?").press("Enter");
    await expect(notebook.output(2)).toContainText(/went \d+/);

    const count = Number(/went (\d+)/.exec(await notebook.output(2).innerText())?.[1]);
    const text = await notebook.output(1).innerText();
    expect(text.match(/line \d+/g)).toEqual(
      Array.from({ length: count }, (_none, index) => `line ${index}`),
    );
    await expect(pane.getByRole("treeitem", { name: "end" })).toBeVisible();
    await expect(pane.getByRole("treeitem", { name: "made.txt" })).toBeVisible();
    await pane.getByRole("tab", { name: "Sessions" }).click();
    await expect(pane.getByText(other)).toBeVisible();
  } finally {
    await proxy.close();
    await gateway.stop("SIGKILL");
    await (await startGatewayProcess({ ...options, keepSessions: false })).close();
    await rm(home, { recursive: true, force: true });
  }
});

test("a session that ended is said with its reason, and a new one takes the notebook on", async ({
  notebook,
}) => {
  await notebook.open(["x = 1", "print('again')"]);
  await notebook.run(1);
  await expect(notebook.mark(1)).toContainText("Done");
  await notebook.gateway.call("DELETE", `/v1/sessions/${await notebook.sessionId}`);
  await notebook.page.reload();
  await expect(notebook.page.getByText("The session was ended.")).toBeVisible();
  await expect(notebook.count(1)).toContainText("its state is gone");
  await notebook.page.getByRole("button", { name: "New session", exact: true }).click();
  await notebook.run(2);
  await expect(notebook.output(2)).toContainText("again");
  await expect(notebook.page.getByText("The session was ended.")).toHaveCount(0);
});

test("a run that the session's end cuts off says so", async ({ notebook }) => {
  await notebook.open(["print('on')\ninput('wait ')"]);
  await notebook.run(1);
  await notebook.page.getByLabel("wait").waitFor();
  await notebook.gateway.call("DELETE", `/v1/sessions/${await notebook.sessionId}`);
  await expect(notebook.mark(1)).toContainText("The session was ended");
  await expect(notebook.page.getByLabel("wait")).toHaveCount(0);
});

test("outputs that the browser has no room for come back from the session", async ({
  notebook,
}) => {
  await notebook.open(["print('x' * 200_000)\nprint('the end')"]);
  await notebook.page.evaluate(() => {
    const room = 5 * 1024 * 1024 - 100_000;
    const used = Object.entries(localStorage).reduce(
      (sum, [key, value]) => sum + key.length + String(value).length,
      0,
    );
    localStorage.setItem("another program's", "y".repeat(room - used));
  });
  await notebook.run(1);
  await expect(notebook.page.getByText("no room to keep the outputs")).toBeVisible();
  await notebook.page.reload();
  await expect(notebook.output(1)).toContainText("the end");
});

test("an interpreter that dies while nothing runs is told as well", async ({ notebook }) => {
  await notebook.open([
    "import os, threading\nos.mkfifo('end')\ndef wait():\n    open('end').read()\n    os._exit(5)\nthreading.Thread(target=wait).start()",
  ]);
  await notebook.run(1);
  await expect(notebook.mark(1)).toContainText("Done");
  const id = await notebook.sessionId;
  await notebook.gateway.execute(id, "print('ends', file=open('end', 'w'))");
  await expect(async () => {
    // The page asks how its session is when it is looked at again.
    await notebook.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await expect(notebook.page.getByText("State was lost")).toBeVisible({ timeout: 1000 });
  }).toPass();
  await expect(notebook.page.getByText("exit code 5")).toBeVisible();
  await expect(notebook.count(1)).toContainText("its state is gone");
});

test("a notebook that is open in two tabs says so before one overwrites the other", async ({
  notebook,
  context,
}) => {
  await notebook.open(["first = 1"]);
  await notebook.run(1);
  await expect(notebook.mark(1)).toContainText("Done");
  const other = new NotebookPage(await context.newPage(), notebook.gateway, notebook.proxy);
  await other.page.goto(notebook.proxy.url);
  await expect.poll(() => other.sources()).toEqual(["first = 1"]);
  await other.editor(1).click();
  await other.page.keyboard.press("Control+End");
  await other.page.keyboard.type(" + 1");
  await expect(notebook.page.getByText("changed in another tab")).toBeVisible();
  await notebook.page.getByRole("button", { name: "Show that one" }).click();
  await expect.poll(() => notebook.sources()).toEqual(["first = 1 + 1"]);
  await expect(notebook.page.getByText("changed in another tab")).toHaveCount(0);
});
