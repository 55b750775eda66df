import { setMaxListeners } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { SandboxSpecification } from "../../../src/runtimes/runtime.js";
import { recordEvents } from "./events.js";
import { newSandboxId, openLaboratory, type Laboratory, type RuntimeUnderTest } from "./harness.js";
import { listen } from "./link.js";
import { standIn } from "./stand-in.js";

const STAY = `say("up")
import time
time.sleep(1000)`;

export function describeLifeCycle(underTest: RuntimeUnderTest): void {
  let laboratory: Laboratory;
  beforeAll(async () => {
    laboratory = await openLaboratory(underTest);
  });
  afterAll(() => laboratory.close());

  const ids = async (): Promise<string[]> =>
    (await laboratory.runtime.list()).map(({ sandboxId }) => sandboxId);

  async function specification(): Promise<SandboxSpecification> {
    const sandboxId = newSandboxId();
    const link = await listen(join(laboratory.home.directory, "links", sandboxId));
    onTestFinished(async () => {
      link.close();
      await laboratory.runtime.destroy(sandboxId);
    });
    return {
      sandboxId,
      image: {
        ...underTest.image,
        entrypoint: standIn(underTest.image.interpreter, "user", STAY),
      },
      limits: {},
      isolation: underTest.tier,
      linkDirectory: link.directory,
    };
  }

  describe("probe", () => {
    test("proves that a sandbox can dial the gateway, and leaves nothing", async ({ signal }) => {
      const report = await laboratory.runtime.probe({
        image: { ...underTest.image, entrypoint: ["/unused"] },
        signal,
      });
      expect(report).toMatchObject({ runtime: laboratory.runtime.name, linkProven: true });
      expect(report.capabilities).toEqual(laboratory.runtime.capabilities);
      expect(report.isolation.protections).toContain("no_network");
      expect(await underTest.traces(laboratory.home)).toEqual([]);
    });

    test("claims nothing about the link without an image", async ({ signal }) => {
      expect(await laboratory.runtime.probe({ signal })).toMatchObject({ linkProven: false });
    });
  });

  describe("create and destroy", () => {
    test("a sandbox lives from create to destroy and leaves nothing", async ({ signal }) => {
      const { sandbox, said } = await laboratory.run(STAY, signal);
      expect(await said()).toBe("up");
      expect(await laboratory.runtime.list()).toEqual([
        { sandboxId: sandbox.sandboxId, state: "running" },
      ]);
      expect(await underTest.traces(laboratory.home, sandbox.sandboxId)).not.toEqual([]);
      await laboratory.runtime.destroy(sandbox.sandboxId);
      expect(await ids()).toEqual([]);
      expect(await underTest.traces(laboratory.home)).toEqual([]);
    });

    test("destroy is idempotent, also at once from two runtimes", async ({ signal }) => {
      const other = await openLaboratory(underTest, laboratory.home);
      onTestFinished(() => other.close());
      const { sandbox } = await laboratory.run(STAY, signal);
      await Promise.all([
        laboratory.runtime.destroy(sandbox.sandboxId),
        laboratory.runtime.destroy(sandbox.sandboxId),
        other.runtime.destroy(sandbox.sandboxId),
      ]);
      expect(await underTest.traces(laboratory.home)).toEqual([]);
      await laboratory.runtime.destroy(sandbox.sandboxId);
      await laboratory.runtime.destroy(newSandboxId());
      await laboratory.runtime.destroy("../../etc");
    });

    test("an id is taken as long as its sandbox lives", async ({ signal }) => {
      const { sandbox, said } = await laboratory.run(STAY, signal);
      expect(await said()).toBe("up");
      const { linkDirectory, ...rest } = await specification();
      const again = laboratory.runtime.create(
        { ...rest, linkDirectory, sandboxId: sandbox.sandboxId },
        { signal },
      );
      await expect(again).rejects.toMatchObject({ code: "sandbox_exists" });
      expect(await laboratory.runtime.list()).toEqual([
        { sandboxId: sandbox.sandboxId, state: "running" },
      ]);
    });

    test("twenty sandboxes start and end at once, each with ids of its own", async ({ signal }) => {
      setMaxListeners(100, signal);
      const experiments = await Promise.all(
        Array.from({ length: 20 }, () => laboratory.run(STAY, signal)),
      );
      for (const { said } of experiments) expect(await said()).toBe("up");
      const uids = await Promise.all(experiments.map(({ sandbox }) => underTest.hostIds(sandbox)));
      const perSandbox = underTest.sidesHaveOwnIds ? 2 : 1;
      expect(new Set(uids.flat()).size).toBe(20 * perSandbox);
      expect(await ids()).toHaveLength(20);
      await Promise.all(
        experiments.map(({ sandbox }) => laboratory.runtime.destroy(sandbox.sandboxId)),
      );
      expect(await underTest.traces(laboratory.home)).toEqual([]);
    });

    test("a first process that cannot start says why and leaves nothing", async ({ signal }) => {
      const wanted = await specification();
      const made = laboratory.runtime.create(
        { ...wanted, image: { ...wanted.image, entrypoint: ["/opt/no-such-program"] } },
        { signal },
      );
      await expect(made).rejects.toMatchObject({
        code: "sandbox_start_failed",
        message: expect.stringContaining("no-such-program") as string,
      });
      expect(await underTest.traces(laboratory.home)).toEqual([]);
    });

    test("an image that is not there is named", async ({ signal }) => {
      const wanted = await specification();
      const made = laboratory.runtime.create(
        { ...wanted, image: { ...wanted.image, reference: underTest.missingImage } },
        { signal },
      );
      await expect(made).rejects.toMatchObject({
        code: "image_missing",
        message: expect.stringContaining(underTest.missingImage) as string,
      });
      expect(await underTest.traces(laboratory.home)).toEqual([]);
    });

    test("a link directory that is not there refuses the sandbox", async ({ signal }) => {
      const wanted = await specification();
      await rm(wanted.linkDirectory, { recursive: true });
      const made = laboratory.runtime.create(wanted, { signal });
      await expect(made).rejects.toMatchObject({ code: "sandbox_start_failed" });
      expect(await underTest.traces(laboratory.home)).toEqual([]);
    });

    test("an aborted create rejects with the reason and leaves nothing", async () => {
      const wanted = await specification();
      const reason = new Error("the client went away");
      await expect(
        laboratory.runtime.create(wanted, { signal: AbortSignal.abort(reason) }),
      ).rejects.toBe(reason);
      const controller = new AbortController();
      const made = laboratory.runtime.create(wanted, { signal: controller.signal });
      controller.abort(reason);
      await expect(made).rejects.toBe(reason);
      expect(await underTest.traces(laboratory.home)).toEqual([]);
    });

    test("destroy during create ends both with nothing left", async ({ signal }) => {
      const wanted = await specification();
      const made = laboratory.runtime.create(wanted, { signal });
      const failed = expect(made).rejects.toMatchObject({ code: "sandbox_start_failed" });
      await laboratory.runtime.destroy(wanted.sandboxId);
      expect(await underTest.traces(laboratory.home)).toEqual([]);
      await failed;
    });

    test.each([
      ["a short id", { sandboxId: "abc" }],
      ["an id that is a path", { sandboxId: "../../../../../../aa" }],
      ["a relative link directory", { linkDirectory: "links/a" }],
      ["a link directory too deep for a socket", { linkDirectory: `/${"d".repeat(100)}` }],
      ["no memory, which engines read as no limit", { limits: { memoryBytes: 0 } }],
      ["a negative number of processes", { limits: { pids: -1 } }],
      ["a CPU limit that is not a number", { limits: { cpu: NaN } }],
    ])("%s is an invalid specification", async (_, part) => {
      const wanted = await specification();
      const made = laboratory.runtime.create(
        { ...wanted, ...part },
        { signal: new AbortController().signal },
      );
      await expect(made).rejects.toMatchObject({ code: "invalid_specification" });
      expect(await underTest.traces(laboratory.home)).toEqual([]);
    });
  });

  describe("watch", () => {
    test("an exit is reported once, with its code", async ({ signal }) => {
      const events = recordEvents(laboratory.runtime);
      onTestFinished(() => events.close());
      const { sandbox } = await laboratory.run("import os; os._exit(7)", signal);
      expect(await events.first("exited", sandbox.sandboxId, signal)).toEqual({
        type: "exited",
        sandboxId: sandbox.sandboxId,
        exitCode: 7,
        signal: null,
        oom: false,
      });
      expect(await laboratory.runtime.list()).toEqual([
        { sandboxId: sandbox.sandboxId, state: "exited" },
      ]);
      await laboratory.runtime.destroy(sandbox.sandboxId);
      expect(events.all).toHaveLength(1);
    });

    test("the end of a sandbox that is destroyed is no event", async ({ signal }) => {
      const events = recordEvents(laboratory.runtime);
      onTestFinished(() => events.close());
      const { sandbox } = await laboratory.run(STAY, signal);
      await laboratory.runtime.destroy(sandbox.sandboxId);
      const later = await laboratory.run("", signal);
      await events.first("exited", later.sandbox.sandboxId, signal);
      expect(events.all.map(({ sandboxId }) => sandboxId)).toEqual([later.sandbox.sandboxId]);
    });

    test("a listener that was removed hears nothing", async ({ signal }) => {
      const removed = recordEvents(laboratory.runtime);
      const events = recordEvents(laboratory.runtime);
      onTestFinished(() => events.close());
      removed.close();
      const { sandbox } = await laboratory.run("", signal);
      await events.first("exited", sandbox.sandboxId, signal);
      expect(removed.all).toEqual([]);
    });
  });

  describe("homes", () => {
    test("a later runtime of the same home finds, watches and ends a sandbox", async ({
      signal,
    }) => {
      const { sandbox, said } = await laboratory.run(STAY, signal);
      expect(await said()).toBe("up");
      const later = await openLaboratory(underTest, laboratory.home);
      onTestFinished(() => later.close());
      const events = recordEvents(later.runtime);
      expect(await later.runtime.list()).toEqual([
        { sandboxId: sandbox.sandboxId, state: "running" },
      ]);
      await later.runtime.destroy(sandbox.sandboxId);
      expect(events.all).toEqual([]);
      expect(await underTest.traces(laboratory.home)).toEqual([]);
    });

    test("a later runtime is told of the end of a sandbox that it found", async ({ signal }) => {
      const { sandbox, said } = await laboratory.run(STAY, signal);
      expect(await said()).toBe("up");
      const later = await openLaboratory(underTest, laboratory.home);
      onTestFinished(() => later.close());
      const events = recordEvents(later.runtime);
      await later.runtime.list();
      await laboratory.runtime.destroy(sandbox.sandboxId);
      expect(await events.first("exited", sandbox.sandboxId, signal)).toMatchObject({
        type: "exited",
      });
    });

    test("runtimes of different homes do not see, hear or end each other's", async ({ signal }) => {
      const stranger = await openLaboratory(underTest);
      onTestFinished(() => stranger.close());
      const heard = recordEvents(stranger.runtime);
      const events = recordEvents(laboratory.runtime);
      onTestFinished(() => events.close());
      const { sandbox, said } = await laboratory.run(STAY, signal);
      expect(await said()).toBe("up");
      expect(await stranger.runtime.list()).toEqual([]);
      await stranger.runtime.destroy(sandbox.sandboxId);
      expect(await laboratory.runtime.list()).toEqual([
        { sandboxId: sandbox.sandboxId, state: "running" },
      ]);
      const own = await stranger.run("", signal);
      const ended = await laboratory.run("", signal);
      await events.first("exited", ended.sandbox.sandboxId, signal);
      await heard.first("exited", own.sandbox.sandboxId, signal);
      expect(heard.all.map(({ sandboxId }) => sandboxId)).toEqual([own.sandbox.sandboxId]);
      expect(events.all.map(({ sandboxId }) => sandboxId)).toEqual([ended.sandbox.sandboxId]);
    });
  });

  test("a closed runtime leaves its sandboxes alive", async ({ signal }) => {
    const shortLived = await openLaboratory(underTest, laboratory.home);
    const link = await specification();
    await shortLived.runtime.create(link, { signal });
    await shortLived.close();
    await shortLived.close();
    expect(await laboratory.runtime.list()).toEqual([
      { sandboxId: link.sandboxId, state: "running" },
    ]);
  });

  test("the console's tail is the last 8 KiB", async ({ signal }) => {
    const wanted = await specification();
    const events = recordEvents(laboratory.runtime);
    onTestFinished(() => events.close());
    const print = `for number in range(20000): print("line", number)`;
    const sandbox = await laboratory.runtime.create(
      {
        ...wanted,
        image: { ...wanted.image, entrypoint: [underTest.image.interpreter, "-c", print] },
      },
      { signal },
    );
    await events.first("exited", wanted.sandboxId, signal);
    expect(sandbox.consoleTail()).toMatch(/\nline 19999\n$/);
    expect(Buffer.byteLength(sandbox.consoleTail())).toBe(8192);
  });
}
