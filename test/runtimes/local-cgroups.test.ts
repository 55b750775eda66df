import { existsSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findCgroups } from "../../src/runtimes/local/cgroup-places.js";
import { limitFiles } from "../../src/runtimes/local/sandbox-cgroups.js";
import type { HomeCgroup } from "../../src/runtimes/local/home-cgroups.js";
import { openLaboratory, type Laboratory } from "./contract/harness.js";
import { childrenOf, liveZygotesOf, localTraces } from "./local/traces.js";
import { localUnderTest } from "./local/under-test.js";

const MiB = 1024 ** 2;
const STAY = `say("up")
import time
time.sleep(1000)`;

const { places } = await findCgroups();

describe.skipIf(places.length === 0)(
  "cgroups of the local runtime (where some can be made)",
  () => {
    let laboratory: Laboratory;
    beforeAll(async () => {
      laboratory = await openLaboratory(localUnderTest());
    });
    afterAll(() => laboratory.close());

    const homeCgroups = async (): Promise<HomeCgroup[]> =>
      (await liveZygotesOf(laboratory.home)).flatMap(({ record }) => record.cgroups);

    const members = (directory: string): number[] =>
      readFileSync(join(directory, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);

    test("hold both sides of a sandbox, each with its limits", async ({ signal }) => {
      const limits = { cpu: 0.5, memoryBytes: 256 * MiB, pids: 100 };
      const { sandbox, said } = await laboratory.run(STAY, signal, { limits });
      expect(await said()).toBe("up");
      const kerneld = sandbox.hostPid ?? 0;
      const [user = 0] = childrenOf(kerneld);
      const found = await homeCgroups();
      expect(found).toHaveLength(places.length);
      for (const cgroup of found) {
        const directory = join(cgroup.path, sandbox.sandboxId);
        expect(members(directory)).toEqual(
          expect.arrayContaining([kerneld, user, ...childrenOf(user)]),
        );
        for (const { file, value, optional } of limitFiles(cgroup, limits)) {
          const path = join(directory, file);
          if (optional && !existsSync(path)) continue;
          expect([file, readFileSync(path, "utf8").trim()]).toEqual([file, value]);
        }
      }
    });

    test("are shown to a sandbox read-only, and no more than its own", async ({ signal }) => {
      const { said } = await laboratory.run(
        `import os
found = []
for line in open("/proc/self/mountinfo"):
    mount, _, source = line.partition(" - ")
    if source.split()[0] in ("cgroup", "cgroup2"):
        _, _, _, root, place, flags, *_ = mount.split()
        found.append([root, [flag for flag in flags.split(",") if flag in ("ro", "nosuid", "nodev", "noexec")]])
say(found)`,
        signal,
      );
      const shown = (await said()) as unknown[];
      expect(shown).toHaveLength(places.length);
      for (const each of shown) expect(each).toEqual(["/", ["ro", "nosuid", "nodev", "noexec"]]);
    });

    // In version 2 the zygote itself is in one, which so cannot be removed.
    test.skipIf(places.some(({ version }) => version === 2))(
      "that somebody removed are made again with the next sandbox",
      async ({ signal }) => {
        const first = await laboratory.run(STAY, signal);
        expect(await first.said()).toBe("up");
        await laboratory.runtime.destroy(first.sandbox.sandboxId);
        for (const { path } of await homeCgroups()) rmdirSync(path);
        const second = await laboratory.run(STAY, signal);
        expect(await second.said()).toBe("up");
        expect(second.sandbox.isolation.protections).toContain("memory_limit");
        await expect.poll(() => liveZygotesOf(laboratory.home)).toHaveLength(1);
        await laboratory.runtime.destroy(second.sandbox.sandboxId);
        expect(await localTraces(laboratory.home)).toEqual([]);
      },
    );
  },
);
