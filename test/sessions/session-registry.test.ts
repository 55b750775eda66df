import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Runtime } from "../../src/runtimes/runtime.js";
import { EndedSessions } from "../../src/sessions/ended-sessions.js";
import { openRunLog } from "../../src/sessions/run-log.js";
import { type ReadyRecord, SessionRecordFiles } from "../../src/sessions/session-record.js";
import { SessionRegistry } from "../../src/sessions/session-registry.js";

const record: ReadyRecord = {
  version: 2,
  tenant: "default",
  id: "s",
  sandbox_id: "abcdefghijklmnopqrst",
  runtime: "local",
  image: "python",
  limits: {},
  isolation: "standard",
  defaults: { timeout_s: 120, grace_s: 5 },
  created_at: "2026-01-01T00:00:00.000Z",
  options_sha256: "0",
  metadata: {},
  lifetime: { ttl_s: null, idle_s: 3600 },
  enrolment: { key: "ab".repeat(32), boot: "cd".repeat(16) },
  sandbox: {
    startKind: "cold",
    startMs: 1,
    limits: { cpu: null, memoryBytes: null, pids: null, diskBytes: 0, gpu: 0 },
    isolation: { tier: "standard", protections: [], missing: [] },
    workspace: { kind: "tmpfs", bytes: 0 },
  },
};

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), "hc-"))));
afterEach(() => rmSync(home, { recursive: true }));

it("a session that ends keeps the story of its runs until its record is gone: the next gateway would tell it again", async () => {
  const runsDirectory = join(home, "runs");
  const runLog = join(runsDirectory, `${record.sandbox_id}.jsonl`);
  const records = new SessionRecordFiles(join(home, "sessions"));
  await records.put(record);
  mkdirSync(runsDirectory);
  const written = openRunLog(runLog);
  await written.accepted({ run: "r", kernel: "60912fcf-3f36-4d21-b7fe-715ec95ffa65" });
  await written.close();
  const ended = new EndedSessions(join(home, "ended"));
  let atRemoval: unknown;
  const remove = records.remove.bind(records);
  records.remove = async (sandboxId) => {
    const told = await ended.run("default", "s", "r");
    atRemoval = { told: told?.status, runLog: existsSync(runLog) };
    await remove(sandboxId);
  };
  const runtime: Pick<Runtime, "name" | "watch" | "destroy"> = {
    name: "local",
    watch: () => () => undefined,
    destroy: () => Promise.resolve(),
  };
  const registry = new SessionRegistry({
    runtime: runtime as Runtime,
    images: new Map(),
    defaultImage: "python",
    records,
    ended,
    runsDirectory,
    linksDirectory: join(home, "links"),
    maxSessions: 1,
    defaults: { start_timeout_s: 1 } as never,
    log: pino({ level: "silent" }),
  });
  registry.adopt({ record, activeAt: Date.now(), ending: null });
  await registry.end("default", "s", "sandbox_lost");
  await registry.close();
  expect(atRemoval).toEqual({ told: "kernel_died", runLog: true });
  expect(existsSync(runLog)).toBe(false);
  expect(await records.all(() => undefined)).toEqual([]);
});
