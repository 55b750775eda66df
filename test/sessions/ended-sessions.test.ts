import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { lostRun } from "../../src/sandboxes/lost-run.js";
import { EndedSessions } from "../../src/sessions/ended-sessions.js";

let directory: string;
let ended: EndedSessions;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "hc-"));
  ended = new EndedSessions(directory);
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(directory, { recursive: true });
});

const end = lostRun(
  { run: "r", kernel: "01234567-0123-4123-8123-0123456789ab", generation: 2 },
  { n: 9, status: "kernel_died", reason: "oom" },
);
const session = { tenant: "t", id: "s", sandboxId: "abcdefghijklmnopqrst", runs: [end] };

describe("ended sessions", () => {
  it("are told of with their runs, to their tenant, by the next gateway, too", async () => {
    await ended.add({ ...session, reason: "oom" });
    const next = new EndedSessions(directory);
    await next.load();
    for (const one of [ended, next]) {
      expect(one.reasonOf("t", "s")).toBe("oom");
      expect(one.reasonOf("other", "s")).toBeUndefined();
      expect(await one.run("t", "s", "r")).toEqual(end);
      expect(await one.run("t", "s", "unknown")).toBeUndefined();
      expect(await one.run("other", "s", "r")).toBeUndefined();
    }
  });

  it("are forgotten after a while", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    await ended.add({ ...session, reason: "idle" });
    vi.setSystemTime(Date.now() + 11 * 60_000);
    expect(ended.reasonOf("t", "s")).toBeUndefined();
    expect(await ended.run("t", "s", "r")).toBeUndefined();
    await new EndedSessions(directory).load();
    expect(readdirSync(directory)).toEqual([]);
  });

  it("of one name are one: the latest", async () => {
    await ended.add({ ...session, reason: "idle" });
    await ended.add({ ...session, sandboxId: "bbbbbbbbbbbbbbbbbbbb", runs: [], reason: "ttl" });
    expect(ended.reasonOf("t", "s")).toBe("ttl");
    expect(await ended.run("t", "s", "r")).toBeUndefined();
    expect(readdirSync(directory)).toEqual(["bbbbbbbbbbbbbbbbbbbb.json"]);
  });

  it("that are told of again, by a gateway that was killed before it was done with them, stay", async () => {
    await ended.add({ ...session, reason: "oom" });
    await ended.add({ ...session, reason: "oom" });
    const next = new EndedSessions(directory);
    await next.load();
    for (const one of [ended, next]) expect(await one.run("t", "s", "r")).toEqual(end);
  });

  it("that were half written stop nothing", async () => {
    writeFileSync(join(directory, "abcdefghijklmnopqrst.json"), '{"version":1,"ten');
    writeFileSync(join(directory, "abcdefghijklmnopqrst.json.00ff.draft"), "");
    const next = new EndedSessions(directory);
    await next.load();
    expect(readdirSync(directory)).toEqual([]);
  });
});
