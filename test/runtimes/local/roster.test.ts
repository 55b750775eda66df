import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HomeCgroup } from "../../../src/runtimes/local/home-cgroups.js";
import { identify } from "../../../src/runtimes/local/process-identity.js";
import { type Roster, zygoteRoster } from "../../../src/runtimes/local/roster.js";
import type { SandboxEvent } from "../../../src/runtimes/runtime.js";

const ID = "sandbox1";
const FILES = { 1: "memory.oom_control", 2: "memory.events" };

let directory: string;
let roster: Roster | undefined;
let events: SandboxEvent[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hotcell-"));
  await mkdir(join(directory, ID));
  events = [];
});
afterEach(async () => {
  roster?.close();
  await rm(directory, { recursive: true, force: true });
});

const kills = (version: 1 | 2, count: number): Promise<void> =>
  writeFile(join(directory, ID, FILES[version]), `oom_kill_disable 0\noom_kill ${count}\n`);

/** Resolves when the zygote of a sandbox that is learned of has been looked for. */
const learned = (version: 1 | 2): Promise<void> =>
  new Promise((resolve) => {
    learn(version, () => {
      resolve();
      return Promise.resolve();
    });
  });

/** A roster that learns of a sandbox whose zygote is gone, which it finds out when `lookedFor` has been. */
function learn(version: 1 | 2, lookedFor: () => Promise<void>): void {
  roster = zygoteRoster({
    findZygote: async () => {
      await lookedFor();
      return undefined;
    },
    findSandbox: () => Promise.resolve(undefined),
    onZygoteGone: () => undefined,
  });
  roster.watch((event) => events.push(event));
  const process_ = identify(process.pid);
  if (process_ === undefined) throw new Error("this process is not found");
  const hierarchy = version === 1 ? "memory" : "unified";
  const cgroup: HomeCgroup = { hierarchy, version, path: directory, controllers: ["memory"] };
  roster.learn(ID, { process: process_, zygote: "gone", id: 0, cgroups: [cgroup] });
}

const oom = { type: "oom", sandboxId: ID, agoMs: 0 };

describe.each([1, 2] as const)("with memory cgroups of version %s, a later gateway", (version) => {
  it("says nothing of what was killed before it came", async () => {
    await kills(version, 3);
    await learned(version);
    await delay(50);
    expect(events).toEqual([]);
  });

  it("says at once what is killed while it looks for the sandbox's zygote", async () => {
    await kills(version, 3);
    learn(version, () => kills(version, 4));
    await expect.poll(() => events).toEqual([oom]);
  });
});

describe("with memory cgroups of version 2", () => {
  it("each kill is reported", async () => {
    await kills(2, 0);
    await learned(2);
    await kills(2, 1);
    await expect.poll(() => events).toEqual([oom]);
    await kills(2, 1);
    await kills(2, 2);
    await expect.poll(() => events).toEqual([oom, oom]);
  });
});
