import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { dockerRuntime, type DockerOptions } from "../../src/runtimes/docker.js";
import { engineAddress } from "../../src/runtimes/docker/engine-address.js";
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
beforeEach(async () => {
  home = await makeHome();
  directory = await mkdtemp(join(tmpdir(), "hotcell-engine-"));
  return async () => {
    expect(await dockerTraces(home)).toEqual([]);
    for (const each of [home.directory, directory]) await rm(each, { recursive: true });
  };
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

const containerOf = ({ sandbox }: Experiment) =>
  engine.getContainer(`hotcell-${home.id}-${sandbox.sandboxId}`);

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
    proxy.interfere = (line) => (line.endsWith("/start") ? { after: () => proxy.cut() } : undefined);
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

describe("watch, when the connection breaks", () => {
  test("an exit that went by is reported, with its code and once", async ({ signal }) => {
    const { laboratory, proxy } = await openBehindProxy();
    const events = recordEvents(laboratory.runtime);
    const experiment = await laboratory.run(
      `say("up")
import os, socket, sys
sys.stdout = None
while not os.path.exists("/run/kernels/go"): __import__("time").sleep(0.01)
os._exit(9)`,
      signal,
    );
    expect(await experiment.said()).toBe("up");
    proxy.cut();
    const container = containerOf(experiment);
    await container.kill({ signal: "SIGKILL" });
    await container.wait();
    proxy.mend();
    const { sandboxId } = experiment.sandbox;
    expect(await events.first("exited", sandboxId, signal)).toMatchObject({
      exitCode: 137,
      signal: 9,
      oom: false,
    });
    await laboratory.runtime.destroy(sandboxId);
    expect(events.all).toHaveLength(1);
  });

  test("a sandbox that somebody removed meanwhile is reported without a code", async ({
    signal,
  }) => {
    const { laboratory, proxy } = await openBehindProxy();
    const events = recordEvents(laboratory.runtime);
    const experiment = await laboratory.run(STAY, signal);
    proxy.interfere = (line) => (line === "GET /events" ? { answer: GONE } : undefined);
    proxy.cut();
    await containerOf(experiment).remove({ force: true });
    const replay = "since=";
    expect(replay).toBe("since=");
    proxy.interfere = () => undefined;
    proxy.mend();
    expect(await events.first("exited", experiment.sandbox.sandboxId, signal)).toMatchObject({
      exitCode: null,
    });
  });
});

const GONE = { status: 500, message: "gone" };
