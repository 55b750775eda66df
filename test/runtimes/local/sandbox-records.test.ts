import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sandboxRecords } from "../../../src/runtimes/local/sandbox-records.js";

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), "hc-"))));
afterEach(() => rm(directory, { recursive: true }));

const ID = "0".repeat(20);
const record = { process: null, zygote: "a-b", id: 5, cgroups: [] };

describe("records of sandboxes", () => {
  test("are there from add to remove", async () => {
    const records = sandboxRecords(join(directory, "sandboxes"));
    expect(await records.list()).toEqual(new Map());
    await records.add(ID, record);
    const started = { ...record, process: { pid: 7, started: 1 } };
    await records.replace(ID, started);
    expect(await records.read(ID)).toEqual(started);
    await records.remove(ID);
    await records.remove(ID);
    expect(await records.read(ID)).toBeUndefined();
  });

  test("are added once", async () => {
    const records = sandboxRecords(directory);
    await records.add(ID, record);
    await expect(records.add(ID, record)).rejects.toMatchObject({ code: "sandbox_exists" });
  });

  test("that were not written to their end are listed without content", async () => {
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, `${ID}.json`), '{"process":');
    await writeFile(join(directory, `${"1".repeat(20)}.new`), "");
    await writeFile(join(directory, "stray.json"), "{}");
    expect(await sandboxRecords(directory).list()).toEqual(
      new Map([
        [ID, null],
        ["1".repeat(20), null],
      ]),
    );
  });
});
