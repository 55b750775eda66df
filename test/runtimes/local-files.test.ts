import { lstatSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openLaboratory } from "./contract/harness.js";
import { localUnderTest } from "./local/under-test.js";

const STAY = `say("up")
import time
time.sleep(1000)`;

/** What others than the owner may do with each file below a directory. */
function openToOthers(top: string, directory = top): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    const status = lstatSync(path);
    found[relative(top, path)] = status.mode & 0o077;
    if (status.isDirectory()) Object.assign(found, openToOthers(top, path));
  }
  return found;
}

test("a home's zygotes, records and links are for nobody else to read, dial or list", async ({
  signal,
}) => {
  const laboratory = await openLaboratory(localUnderTest());
  onTestFinished(() => laboratory.close());
  const { said, sandbox } = await laboratory.run(STAY, signal);
  expect(await said()).toBe("up");
  const modes = openToOthers(laboratory.home.directory);
  const of = (pattern: RegExp): number[] =>
    Object.entries(modes).flatMap(([path, mode]) => (pattern.test(path) ? [mode] : []));
  for (const secret of [
    /^runtimes\/local\/z$/,
    ...["control.sock", "events.sock", "log", "zygote.json"].map(
      (name) => new RegExp(`^runtimes/local/z/[^/]+/${name}$`),
    ),
    /^runtimes\/local\/z\/[^/]+$/,
    /^runtimes\/local\/sandboxes$/,
    new RegExp(`^runtimes/local/sandboxes/${sandbox.sandboxId}.json$`),
  ]) {
    expect([secret.source, ...of(secret)]).toEqual([secret.source, 0]);
  }
  // Sandboxes pass through it, with ids that this machine does not know.
  expect(of(/^links$/)).toEqual([0o011]);
});
