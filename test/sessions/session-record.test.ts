import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  optionsDigest,
  SessionRecordFiles,
  type SessionRecord,
} from "../../src/sessions/session-record.js";

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "hc-"))));
afterEach(() => rmSync(directory, { recursive: true }));

const record: SessionRecord = {
  version: 1,
  tenant: "default",
  id: "../etc/passwd",
  sandbox_id: "abcdefghijklmnopqrst",
  created_at: "2026-01-01T00:00:00.000Z",
  options_sha256: "0",
  metadata: { k: "v" },
  lifetime: { ttl_s: null, idle_s: 1 },
  enrolment: { key: "ab", boot: "cd" },
};

describe("session records", () => {
  it("are read as they were written, and only by their owner", async () => {
    const files = new SessionRecordFiles(join(directory, "sessions"));
    await files.put(record);
    expect(await files.all(() => undefined)).toEqual([record]);
    const [name = ""] = readdirSync(join(directory, "sessions"));
    expect(statSync(join(directory, "sessions", name)).mode & 0o777).toBe(0o600);
    await files.remove(record.sandbox_id);
    await files.remove(record.sandbox_id);
    expect(await files.all(() => undefined)).toEqual([]);
  });

  it("that are broken or half written are reported and stop nothing", async () => {
    const files = new SessionRecordFiles(directory);
    await files.put(record);
    writeFileSync(join(directory, "broken.json"), '{"version":');
    writeFileSync(join(directory, "other.json"), '{"version":2}');
    writeFileSync(join(directory, "x.json.draft"), "{");
    const broken: string[] = [];
    expect(await files.all((name) => broken.push(name))).toEqual([record]);
    expect(broken).toHaveLength(2);
    expect(readdirSync(directory)).not.toContain("x.json.draft");
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
