import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { dockerRuntime, type DockerOptions } from "../../src/runtimes/docker.js";
import { engineAddress } from "../../src/runtimes/docker/engine-address.js";
import type { SandboxSpecification } from "../../src/runtimes/runtime.js";
import { recordEvents } from "./contract/events.js";
import {
  makeHome,
  newSandboxId,
  openLaboratory,
  type Experiment,
  type Home,
  type Laboratory,
} from "./contract/harness.js";
import { startEngineProxy, type EngineProxy, type Interference } from "./docker/engine-proxy.js";
import { dockerTraces, engine } from "./docker/traces.js";
import { dockerUnderTest } from "./docker/under-test.js";

const STAY = `say("up")
import time
time.sleep(1000)`;

let home: Home;
let directory: string;
beforeEach(async ({ onTestFinished }) => {
  home = await makeHome();
  directory = await mkdtemp(join(tmpdir(), "hotcell-engine-"));
  onTestFinished(async () => {
    expect(await dockerTraces(home)).toEqual([]);
    for (const each of [home.directory, directory]) await rm(each, { recursive: true });
  });
});

async function open(options: Partial<DockerOptions> = {}): Promise<Laboratory> {
  const laboratory = await openLaboratory(dockerUnderTest(options), home);
  onTestFinished(() => laboratory.close());
  return laboratory;
}

async function openBehindProxy(): Promise<{ laboratory: Laboratory; proxy: EngineProxy }> {
  const proxy = await startEngineProxy(
    directory,
    engineAddress(process.env).replace("unix://", ""),
  );
  const laboratory = await open({ host: proxy.address });
  onTestFinished(() => proxy.close());
  return { laboratory, proxy };
}

const nameOf = (sandboxId: string) => `hotcell-${home.id}-${sandboxId}`;

const labelsOf = (sandboxId: string) => ({
  "hotcell.home": home.id,
  "hotcell.sandbox": sandboxId,
});

const createContainer = (sandboxId: string) =>
  engine.createContainer({
    name: nameOf(sandboxId),
    Image: dockerUnderTest().image.reference,
    Cmd: ["true"],
    Labels: labelsOf(sandboxId),
  });

const containerOf = ({ sandbox }: Experiment) => engine.getContainer(nameOf(sandbox.sandboxId));

/** Resolves when the engine tells that such a container is gone. */
async function expectDestroyEvent(sandboxId: string): Promise<{ happened: Promise<void> }> {
  const stream = await engine.getEvents({
    filters: { event: ["destroy"], label: [`hotcell.sandbox=${sandboxId}`] },
  });
  const happened = new Promise<void>((resolve) => stream.once("data", () => resolve()));
  onTestFinished(() => (stream as NodeJS.ReadableStream & { destroy(): void }).destroy());
  return { happened };
}

describe("create, when a step goes wrong", () => {
  const steps = [
    ["making the container", /^POST \/containers\/create$/],
    ["attaching to it", /^POST \/containers\/[0-9a-f]+\/attach$/],
    ["starting it", /^POST \/containers\/[0-9a-f]+\/start$/],
  ] as const;
  const reason = new Error("the client went away");
  const mishaps: [string, (abort: () => void) => Interference, unknown][] = [
    [
      "is refused",
      () => ({ answer: { status: 500, message: "no space left" } }),
      { code: "sandbox_start_failed", message: expect.stringContaining("no space left") as string },
    ],
    ["is aborted before it", (abort) => ({ before: abort }), reason],
    ["is aborted after it", (abort) => ({ after: abort }), reason],
    ["loses its request", () => ({ loseRequest: true }), { code: "runtime_unavailable" }],
    ["loses its answer", () => ({ loseAnswer: true }), { code: "runtime_unavailable" }],
  ];

  describe.each(steps)("%s", (_, request) => {
    test.each(mishaps)("%s", async (_, interference, outcome) => {
      const { laboratory, proxy } = await openBehindProxy();
      const controller = new AbortController();
      let met = 0;
      proxy.interfere = (line) => {
        if (!request.test(line)) return undefined;
        met += 1;
        return interference(() => controller.abort(reason));
      };
      const made = laboratory.run(STAY, controller.signal);
      if (outcome === reason) await expect(made).rejects.toBe(reason);
      else await expect(made).rejects.toMatchObject(outcome as object);
      expect(met).toBe(1);
      expect(await dockerTraces(home)).toEqual([]);
    });
  });

  test("an engine that goes away leaves a container, which is removed when it is back", async ({
    signal,
  }) => {
    const { laboratory, proxy } = await openBehindProxy();
    const sandboxId = newSandboxId();
    const { happened } = await expectDestroyEvent(sandboxId);
    proxy.interfere = (line) =>
      line.endsWith("/start") ? { after: () => proxy.cut() } : undefined;
    await expect(laboratory.run(STAY, signal, { sandboxId })).rejects.toMatchObject({
      code: "runtime_unavailable",
    });
    expect(await dockerTraces(home)).not.toEqual([]);
    proxy.interfere = () => undefined;
    proxy.mend();
    await happened;
    await laboratory.runtime.destroy(sandboxId);
  });
});

test("create leaves a container alone that has its name already", async ({ signal }) => {
  const laboratory = await open();
  const sandboxId = newSandboxId();
  const container = await createContainer(sandboxId);
  await expect(laboratory.run(STAY, signal, { sandboxId })).rejects.toMatchObject({
    code: "sandbox_exists",
  });
  expect(await dockerTraces(home)).toEqual([`container ${container.id}`]);
});

describe("watch", () => {
  test("an exit that went by while the connection was broken is reported once, with its code", async ({
    signal,
  }) => {
    const { laboratory, proxy } = await openBehindProxy();
    const events = recordEvents(laboratory.runtime);
    const experiment = await laboratory.run(STAY, signal);
    const { sandboxId } = experiment.sandbox;
    proxy.cut();
    const container = containerOf(experiment);
    await container.kill({ signal: "SIGKILL" });
    await container.wait();
    proxy.mend();
    expect(await events.first("exited", sandboxId, signal)).toMatchObject(KILLED);
    const later = await laboratory.run("", signal);
    await events.first("exited", later.sandbox.sandboxId, signal);
    expect(events.all).toHaveLength(2);
  });

  test("a sandbox that was removed while the connection was broken is reported", async ({
    signal,
  }) => {
    const { laboratory, proxy } = await openBehindProxy();
    const events = recordEvents(laboratory.runtime);
    const experiment = await laboratory.run(STAY, signal);
    proxy.cut();
    await containerOf(experiment).remove({ force: true });
    proxy.mend();
    expect(await events.first("exited", experiment.sandbox.sandboxId, signal)).toMatchObject({
      exitCode: null,
      signal: null,
    });
  });

  test("a sandbox that somebody else kills and removes is reported once", async ({ signal }) => {
    const laboratory = await open();
    const events = recordEvents(laboratory.runtime);
    const experiment = await laboratory.run(STAY, signal);
    await containerOf(experiment).remove({ force: true });
    const { sandboxId } = experiment.sandbox;
    expect(await events.first("exited", sandboxId, signal)).toMatchObject(KILLED);
    const later = await laboratory.run("", signal);
    await events.first("exited", later.sandbox.sandboxId, signal);
    expect(events.all).toHaveLength(2);
  });
});

const KILLED = { exitCode: 137, signal: 9, oom: false };

describe("destroy", () => {
  test("waits for somebody else's removal of the container", async ({ signal }) => {
    const { laboratory, proxy } = await openBehindProxy();
    const experiment = await laboratory.run(STAY, signal);
    const { sandboxId } = experiment.sandbox;
    let onAsked = (): void => undefined;
    const asked = new Promise<void>((resolve) => (onAsked = resolve));
    let removed = false;
    const others: boolean[] = [];
    proxy.interfere = (line) => {
      if (line.startsWith("DELETE /volumes/")) others.push(removed);
      if (!line.startsWith("DELETE /containers/")) return undefined;
      const message = "removal of container is already in progress";
      return { before: onAsked, answer: { status: 409, message } };
    };
    const destruction = laboratory.runtime.destroy(sandboxId);
    await asked;
    await laboratory.runtime.list();
    removed = true;
    await containerOf(experiment).remove({ force: true });
    await destruction;
    expect(others).toEqual([true]);
    proxy.interfere = () => undefined;
  });

  test("ends a paused sandbox", async ({ signal }) => {
    const laboratory = await open();
    const experiment = await laboratory.run(STAY, signal);
    await containerOf(experiment).pause();
    await laboratory.runtime.destroy(experiment.sandbox.sandboxId);
    expect(await dockerTraces(home)).toEqual([]);
  });

  test("tells the engine's reason when it does not remove the container", async ({ signal }) => {
    const { laboratory, proxy } = await openBehindProxy();
    const { sandbox } = await laboratory.run(STAY, signal);
    proxy.interfere = (line) =>
      line.startsWith("DELETE") ? { answer: { status: 500, message: "device busy" } } : undefined;
    await expect(laboratory.runtime.destroy(sandbox.sandboxId)).rejects.toMatchObject({
      code: "sandbox_stop_failed",
      message: expect.stringContaining("device busy") as string,
    });
    proxy.interfere = () => undefined;
    await laboratory.runtime.destroy(sandbox.sandboxId);
  });

  test("removes what a process that died has left half-made", async () => {
    const laboratory = await open();
    const [container, volume, files] = [newSandboxId(), newSandboxId(), newSandboxId()];
    await createContainer(container);
    await engine.createVolume({ Name: nameOf(volume), Labels: labelsOf(volume) });
    await mkdir(join(home.directory, "runtimes/docker/identities", files), { recursive: true });
    const found = await laboratory.runtime.list();
    expect(found).toHaveLength(3);
    for (const sandboxId of [container, volume, files]) {
      expect(found).toContainEqual({ sandboxId, state: "incomplete" });
      await laboratory.runtime.destroy(sandboxId);
    }
    expect(await laboratory.runtime.list()).toEqual([]);
  });
});

describe("the container", () => {
  test("carries three labels, the image's environment, and no log file", async ({ signal }) => {
    const laboratory = await open();
    const experiment = await laboratory.run(STAY, signal);
    const { sandboxId, uids } = experiment.sandbox;
    const { Config: config, HostConfig: host } = await containerOf(experiment).inspect();
    const image = await engine.getImage(dockerUnderTest().image.reference).inspect();
    expect(config.Labels).toEqual({
      ...image.Config.Labels,
      "hotcell.home": home.id,
      "hotcell.sandbox": sandboxId,
      "hotcell.uids": `${uids.user},${uids.kerneld}`,
    });
    const withoutPath = (env: string[]) => env.filter((entry) => !entry.startsWith("PATH="));
    expect(withoutPath(config.Env)).toEqual(withoutPath(image.Config.Env));
    expect(host.LogConfig).toMatchObject({ Type: "none" });
    expect(host.MemorySwap).toBe(host.Memory);
    expect(host.OomScoreAdj).toBe(500);
    expect(host.Ulimits).toContainEqual({ Name: "nofile", Soft: 4096, Hard: 4096 });
  });

  test("of isolation `strong` has the OCI runtime that the operator configured", async ({
    signal,
  }) => {
    const laboratory = await open({ strongRuntime: "runc" });
    const experiment = await laboratory.run(STAY, signal, { isolation: "strong" });
    expect(experiment.sandbox.isolation.tier).toBe("strong");
    expect((await containerOf(experiment).inspect()).HostConfig.Runtime).toBe("runc");
    expect(laboratory.runtime.capabilities.isolationTiers).toEqual(["standard", "strong"]);
  });

  test("of isolation `strong` is refused where the engine lacks that runtime", async ({
    signal,
  }) => {
    const laboratory = await open({ strongRuntime: "no-such-runtime" });
    await expect(laboratory.run(STAY, signal, { isolation: "strong" })).rejects.toMatchObject({
      code: "isolation_unavailable",
      message: expect.stringContaining("no-such-runtime") as string,
    });
  });
});

describe("probe", () => {
  test("refuses an engine whose containers cannot dial this host", async ({ signal }) => {
    const laboratory = await open();
    const probe = laboratory.runtime.probe({
      image: { ...dockerUnderTest().image, interpreter: "/bin/false", entrypoint: ["/unused"] },
      signal,
    });
    await expect(probe).rejects.toMatchObject({ code: "link_unavailable" });
  });

  test("can be aborted", async () => {
    const laboratory = await open();
    const reason = new Error("stopped");
    await expect(laboratory.runtime.probe({ signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
  });
});

describe("without an engine", () => {
  test("every call says that it is unavailable, and what to do", async ({ signal }) => {
    const { runtime } = await open({ host: `unix://${join(directory, "no.sock")}` });
    const sandboxId = "0".repeat(20);
    const specification: SandboxSpecification = {
      sandboxId,
      image: { ...dockerUnderTest().image, entrypoint: ["/unused"] },
      limits: {},
      isolation: "standard",
      linkDirectory: directory,
    };
    for (const call of [
      () => runtime.probe({ signal }),
      () => runtime.create(specification, { signal }),
      () => runtime.list(),
      () => runtime.destroy(sandboxId),
      () => runtime.usage(sandboxId),
    ]) {
      await expect(call()).rejects.toMatchObject({
        code: "runtime_unavailable",
        message: expect.stringMatching(/no\.sock.*install and start Docker/) as string,
      });
    }
    expect(runtime.capabilities.isolationTiers).toEqual([]);
  });

  test("an address that is none is named", () => {
    expect(() =>
      dockerRuntime({ home: home.directory, homeId: home.id, host: "not an address" }),
    ).toThrow(/not an address/);
  });

  test("a home too deep for sockets is refused at once", () => {
    expect(() =>
      dockerRuntime({ home: `/${"d".repeat(80)}`, homeId: randomBytes(8).toString("hex") }),
    ).toThrow(/HOTCELL_HOME to a shorter path/);
  });
});
