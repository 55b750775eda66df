import { once } from "node:events";
import { chmod, chown, cp, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { identify, isAlive, killProcess } from "../../src/runtimes/local/process-identity.js";
import type { SandboxSpecification } from "../../src/runtimes/runtime.js";
import { recordEvents } from "./contract/events.js";
import {
  makeHome,
  newSandboxId,
  openLaboratory,
  type Home,
  type Laboratory,
} from "./contract/harness.js";
import { listen, type Link } from "./contract/link.js";
import { standIn } from "./contract/stand-in.js";
import { startMaker } from "./local/maker.js";
import { publicImage } from "./local/public-image.js";
import { discardHome, liveZygotesOf, localTraces } from "./local/traces.js";
import { localUnderTest, reference } from "./local/under-test.js";

const STAY = `say("up")
import time
time.sleep(1000)`;

const underTest = localUnderTest();
let home: Home;
let laboratory: Laboratory;

beforeEach(async () => {
  home = await makeHome();
  laboratory = await openLaboratory(underTest, home);
});
afterEach(async () => {
  await laboratory.close();
  await discardHome(home);
  await rm(home.directory, { recursive: true, force: true });
});

async function specify(
  owner: Home,
  image = reference,
): Promise<{ specification: SandboxSpecification; link: Link }> {
  const sandboxId = newSandboxId();
  const link = await listen(join(owner.directory, "links", sandboxId));
  onTestFinished(() => link.close());
  const { interpreter } = underTest.image;
  return {
    link,
    specification: {
      sandboxId,
      image: { reference: image, interpreter, entrypoint: standIn(interpreter, "user", STAY) },
      limits: {},
      isolation: "standard",
      linkDirectory: link.directory,
    },
  };
}

const states = async (): Promise<unknown> => await laboratory.runtime.list();

describe("what survives what", () => {
  test("a sandbox survives its zygote, is told of when it ends, and can be ended", async ({
    signal,
  }) => {
    const events = recordEvents(laboratory.runtime);
    const first = await laboratory.run(STAY, signal);
    const second = await laboratory.run(STAY, signal);
    expect([await first.said(), await second.said()]).toEqual(["up", "up"]);
    for (const { record } of await liveZygotesOf(home)) killProcess(record);
    await expect.poll(() => liveZygotesOf(home)).toEqual([]);
    expect(await states()).toHaveLength(2);

    await laboratory.runtime.destroy(first.sandbox.sandboxId);
    const process = identify(second.sandbox.hostPid ?? 0);
    if (process) killProcess(process);
    expect(await events.first("exited", second.sandbox.sandboxId, signal)).toMatchObject({
      exitCode: null,
    });
    const third = await laboratory.run(STAY, signal);
    expect(await third.said()).toBe("up");
    for (const { sandbox } of [second, third]) await laboratory.runtime.destroy(sandbox.sandboxId);
    expect(await localTraces(home)).toEqual([]);
  });

  test("a sandbox survives the process that made it and its process group", async ({ signal }) => {
    const { specification, link } = await specify(home);
    const maker = startMaker({ home: home.directory, homeId: home.id, uid: null, specification });
    onTestFinished(() => maker.kill());
    expect(await maker.said()).toHaveProperty("made");
    expect(await link.next(signal)).toBe("up");
    await maker.kill();
    expect(await states()).toEqual([{ sandboxId: specification.sandboxId, state: "running" }]);
    await laboratory.runtime.destroy(specification.sandboxId);
    expect(await localTraces(home)).toEqual([]);
  });

  test("a later runtime takes the zygote that it finds", async ({ signal }) => {
    const { said } = await laboratory.run(STAY, signal);
    expect(await said()).toBe("up");
    const [before] = await liveZygotesOf(home);
    await laboratory.close();
    laboratory = await openLaboratory(underTest, home);
    await laboratory.runtime.list();
    const again = await laboratory.run(STAY, signal);
    expect(await again.said()).toBe("up");
    expect((await liveZygotesOf(home)).map(({ name }) => name)).toEqual([before?.name]);
    for (const { sandboxId } of await laboratory.runtime.list()) {
      await laboratory.runtime.destroy(sandboxId);
    }
  });

  test("a new image has a zygote beside the old one, whose sandbox lives on", async ({
    signal,
  }) => {
    const old = await laboratory.run(STAY, signal);
    expect(await old.said()).toBe("up");
    const image = await mkdtemp("/tmp/hotcell-image-");
    onTestFinished(() => rm(image, { recursive: true }));
    await chmod(image, 0o755);
    await symlink(join(reference, "root"), join(image, "root"));
    await cp(join(reference, "layer"), join(image, "layer"), { recursive: true });
    const { specification, link } = await specify(home, image);
    await laboratory.runtime.create(specification, { signal });
    expect(await link.next(signal)).toBe("up");
    expect(await liveZygotesOf(home)).toHaveLength(2);
    expect(await states()).toHaveLength(2);
    await laboratory.runtime.destroy(specification.sandboxId);
    await laboratory.runtime.destroy(old.sandbox.sandboxId);
    expect(await localTraces(home)).toEqual([]);
  });

  test("a sandbox gives its id back when it is destroyed", async ({ signal }) => {
    const one = await laboratory.run(STAY, signal);
    const taken = await readdir(join(home.directory, "runtimes/local/ids"));
    if (process.getuid?.() === 0) expect(taken).toHaveLength(1);
    await laboratory.runtime.destroy(one.sandbox.sandboxId);
    expect(await readdir(join(home.directory, "runtimes/local/ids"))).toEqual([]);
  });

  test("what a create that was killed has left is listed as incomplete and can be destroyed", async ({
    signal,
  }) => {
    const { said, sandbox } = await laboratory.run(STAY, signal);
    expect(await said()).toBe("up");
    const first = identify(sandbox.hostPid ?? 0);
    await rm(join(home.directory, `runtimes/local/sandboxes/${sandbox.sandboxId}.json`));
    await laboratory.close();
    laboratory = await openLaboratory(underTest, home);
    expect(await states()).toEqual([{ sandboxId: sandbox.sandboxId, state: "incomplete" }]);
    await laboratory.runtime.destroy(sandbox.sandboxId);
    expect(await states()).toEqual([]);
    expect(first && isAlive(first)).toBe(false);
  });
});

/** An id that no user of the machine has, as good as an ordinary user's to the kernel. */
const ORDINARY = 1_999_999;

describe.skipIf(process.getuid?.() !== 0)("as an ordinary user (needs root to become one)", () => {
  let own: Home;
  beforeEach(async () => {
    own = await makeHome();
    await mkdir(join(own.directory, "links"), { mode: 0o711 });
  });
  afterEach(async () => {
    await discardHome(own);
    await rm(own.directory, { recursive: true, force: true });
  });

  async function makeAs(limits: SandboxSpecification["limits"]) {
    const image = await publicImage(reference);
    onTestFinished(() => image.remove());
    const { specification, link } = await specify(own, image.directory);
    for (const path of ["", "links", `links/${specification.sandboxId}`]) {
      await chown(join(own.directory, path), ORDINARY, ORDINARY);
    }
    const maker = startMaker({
      home: own.directory,
      homeId: own.id,
      uid: ORDINARY,
      specification: { ...specification, limits },
    });
    onTestFinished(() => maker.kill());
    return { maker, link, said: await maker.said() };
  }

  test("a sandbox works, and says which limits cannot be enforced", async ({ signal }) => {
    const { maker, link, said } = await makeAs({});
    expect(said).toMatchObject({ made: { limits: { memoryBytes: null, pids: 256 } } });
    const { made } = said as { made: { isolation: { missing: { name: string }[] } } };
    expect(made.isolation.missing.map(({ name }) => name)).toContain("memory_limit");
    expect(await link.next(signal)).toBe("up");
    const ended = once(maker.process, "exit");
    maker.process.stdin?.end();
    await ended;
    expect(await localTraces(own)).toEqual([]);
  });

  test("a memory limit that was asked for is refused with the reason", async () => {
    const { said } = await makeAs({ memoryBytes: 512 * 1024 ** 2 });
    expect(said).toMatchObject({
      refused: {
        code: "limit_not_enforceable",
        message: expect.stringMatching(/memory_bytes.*cgroup/) as string,
      },
    });
  });
});
