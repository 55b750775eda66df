import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ExecutionFinishedRecord } from "../../src/sandboxes/journal-record.js";
import { lostRun } from "../../src/sandboxes/lost-run.js";
import { endsOf, openRunLog, readRunLog } from "../../src/sessions/run-log.js";

const kernel = "01234567-0123-4123-8123-0123456789ab";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "hc-"));
  path = join(directory, "runs", "a.jsonl");
});
afterEach(() => rmSync(directory, { recursive: true }));

function end(run: string, n: number): ExecutionFinishedRecord {
  const lost = lostRun({ run, kernel, generation: 1 }, { n, status: "ok", reason: "" });
  return { ...lost, at: 1_700_000_000_000 };
}

describe("a run log", () => {
  it("tells which runs have no end, and how the others ended", async () => {
    const log = openRunLog(path);
    await log.accepted({ run: "a", kernel });
    await log.accepted({ run: "b", kernel });
    await log.ended(end("a", 7));
    await log.close();
    await log.close();
    await log.accepted({ run: "too-late", kernel });
    expect(readRunLog(path)).toEqual({ open: [{ run: "b", kernel }], ended: [end("a", 7)] });
  });

  it("goes on behind what a crash has cut off", async () => {
    const first = openRunLog(path);
    await first.accepted({ run: "a", kernel });
    await first.close();
    appendFileSync(path, '{"run":"b","ker');
    const second = openRunLog(path, readRunLog(path));
    await second.ended(end("a", 3));
    await second.accepted({ run: "c", kernel });
    await second.close();
    expect(readRunLog(path)).toEqual({ open: [{ run: "c", kernel }], ended: [end("a", 3)] });
  });

  it("stays small however many runs there are, and keeps those without an end", async () => {
    const log = openRunLog(path);
    await log.accepted({ run: "long", kernel });
    for (let index = 0; index < 10_000; index += 1) {
      await log.accepted({ run: `r${index}`, kernel });
      await log.ended(end(`r${index}`, index + 1));
    }
    await log.close();
    const { open, ended } = readRunLog(path);
    expect(open).toEqual([{ run: "long", kernel }]);
    expect(ended.at(-1)).toEqual(end("r9999", 10_000));
    expect(ended.length).toBeLessThan(5_000);
    expect(readFileSync(path, "utf8").split("\n").length).toBeLessThan(4_200);
  });

  it("is empty where there is none, and leaves nothing when it is removed", async () => {
    expect(readRunLog(path)).toEqual({ open: [], ended: [] });
    const log = openRunLog(path);
    await log.remove();
    const written = openRunLog(path);
    await written.accepted({ run: "a", kernel });
    await written.remove();
    expect(existsSync(path)).toBe(false);
  });
});

describe("the ends of a log's runs", () => {
  it("are those that it has, and one for each other, with a number past all others", () => {
    const how = { status: "kernel_died", reason: "sandbox_lost" } as const;
    const ends = endsOf({ open: [{ run: "b", kernel }], ended: [end("a", 7)] }, how);
    expect(ends.map(({ run, status }) => [run, status])).toEqual([
      ["a", "ok"],
      ["b", "kernel_died"],
    ]);
    expect(ends[1]?.n).toBeGreaterThan(2 ** 39);
  });
});
