import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  optionsDigest,
  SessionRecordFiles,
  type SessionRecord,
} from "../../src/sessions/session-record.js";

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "hc-"))));
afterEach(() => rmSync(directory, { recursive: true }));

const record: SessionRecord = {
  version: 2,
  tenant: "default",
  id: "../etc/passwd",
  sandbox_id: "abcdefghijklmnopqrst",
  runtime: "local",
  image: "python",
  limits: { pids: 64 },
  isolation: "standard",
  defaults: { timeout_s: 120, grace_s: 5 },
  created_at: "2026-01-01T00:00:00.000Z",
  options_sha256: "0",
  metadata: { k: "v" },
  lifetime: { ttl_s: null, idle_s: 1 },
  enrolment: { key: "ab", boot: "cd" },
  sandbox: null,
};

let files: SessionRecordFiles;
beforeEach(() => (files = new SessionRecordFiles(join(directory, "sessions"))));

const broken = vi.fn();
beforeEach(() => broken.mockReset());

describe("session records", () => {
  it("are read as they were written, and only by their owner", async () => {
    await files.put(record);
    expect(await files.all(broken)).toMatchObject([{ record, ending: null }]);
    const [name = ""] = readdirSync(join(directory, "sessions"));
    expect(statSync(join(directory, "sessions", name)).mode & 0o777).toBe(0o600);
    await files.remove(record.sandbox_id);
    await files.remove(record.sandbox_id);
    expect(await files.all(broken)).toEqual([]);
    expect(broken).not.toHaveBeenCalled();
  });

  it("tell when the session was active, and that its end had begun", async () => {
    const activeAt = new Date("2026-01-01T10:00:00Z");
    await files.put(record);
    await files.touch(record.sandbox_id, activeAt);
    expect(await files.all(broken)).toMatchObject([{ activeAt: activeAt.getTime(), ending: null }]);
    await files.ending(record.sandbox_id, "session_deleted");
    await files.touch(record.sandbox_id, new Date());
    expect(await files.all(broken)).toMatchObject([
      { activeAt: activeAt.getTime(), ending: "session_deleted" },
    ]);
    await files.remove(record.sandbox_id);
    await files.ending(record.sandbox_id, "session_deleted");
    expect(await files.all(broken)).toEqual([]);
  });

  it("that are broken, half written or another's are reported, removed, and stop nothing", async () => {
    await files.put(record);
    const path = (name: string): string => join(directory, "sessions", name);
    writeFileSync(path("bbbbbbbbbbbbbbbbbbbb.json"), '{"version":');
    writeFileSync(path("cccccccccccccccccccc.json"), "");
    writeFileSync(path("dddddddddddddddddddd.json"), JSON.stringify({ ...record, version: 3 }));
    writeFileSync(path("eeeeeeeeeeeeeeeeeeee.json"), JSON.stringify(record));
    writeFileSync(path("notes.txt"), "");
    writeFileSync(path("abcdefghijklmnopqrst.json.0f0f0f0f0f0f.draft"), "{");
    expect(await files.all(broken)).toMatchObject([{ record }]);
    expect(broken).toHaveBeenCalledTimes(5);
    expect(readdirSync(join(directory, "sessions"))).toEqual(["abcdefghijklmnopqrst.json"]);
  });
});

describe("the digest of options", () => {
  it("is the same whatever the order of fields, and another for other values", () => {
    expect(optionsDigest({ a: 1, b: { c: 2, d: 3 } })).toBe(
      optionsDigest({ b: { d: 3, c: 2 }, a: 1 }),
    );
    expect(optionsDigest({ a: [1, 2] })).not.toBe(optionsDigest({ a: [2, 1] }));
    expect(optionsDigest({ a: undefined })).toBe(optionsDigest({}));
  });
});
