import { setMaxListeners } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "./client.js";
import { type ChaosGateway, type ChaosRuntime, startChaosGateway } from "./gateway.js";
import { Lane } from "./lane.js";
import { leftBehind, orphans, type Place } from "./orphans.js";
import { LANES, planGatewayKills, planLane } from "./plan.js";
import { Report } from "./report.js";
import { writeTranscript } from "./transcript.js";
import { startWire, type Wire } from "./wire.js";

/** Past so many violations nothing new is to be learned. */
const ENOUGH_VIOLATIONS = 10;

export interface ChaosOptions {
  runtime: ChaosRuntime;
  seed: number;
  /** No batch begins after so long; those that have begun go on to their ends. */
  seconds: number;
  /** Each lane does at least so many batches, however long that takes. */
  batches: number;
  /** Leaves the gateway alone, to tell what else goes wrong. */
  keepGateway: boolean;
  imagesDirectory: string | undefined;
  /** Where transcripts of what went wrong, and the gateway's log, are written. */
  directory: string;
  signal: AbortSignal;
  onProgress?(report: Report): void;
}

/** Runs, disturbs and judges. What was violated is in the report; throws only when it cannot go on. */
export async function chaos(options: ChaosOptions): Promise<Report> {
  const { runtime, seed, directory } = options;
  const began = performance.now();
  const report = new Report(seed, runtime);
  await mkdir(directory, { recursive: true });
  // Links of sandboxes are Unix sockets in it: their paths may not be long.
  const home = await mkdtemp(join(tmpdir(), "hcc-"));
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  setMaxListeners(Infinity, signal);
  const violation = (text: string): void => {
    report.violations.push(text);
    if (report.violations.length >= ENOUGH_VIOLATIONS) stop.abort(new Error("enough violations"));
  };
  const gateway = await startChaosGateway({
    runtime,
    home,
    imagesDirectory: options.imagesDirectory,
    logFile: join(directory, `gateway-${runtime}-${seed}.log`),
    onCrash: (how) => violation(`the gateway ended by itself: ${how}`),
  });
  report.startsMs = gateway.startsMs;
  report.gatewayErrors = gateway.errors;
  const wires: Wire[] = [];
  try {
    const place = { runtime, home };
    const kills = gatewayKills(options, gateway, report);
    const wire = await startWire(gateway.port);
    wires.push(wire);
    const client = new Client(gateway, wire, signal);
    const mayBegin = (batch: number): boolean =>
      !signal.aborted &&
      (batch < options.batches || performance.now() - began < options.seconds * 1000);
    const lanes = Array.from({ length: LANES }, async (_, index) => {
      const laneWire = await startWire(gateway.port);
      wires.push(laneWire);
      const lane = new Lane({
        name: `c${seed}-${index}`,
        runtime,
        gateway,
        wire: laneWire,
        signal,
        report,
        onAccepted: kills.accepted,
        onViolation: async (logs, notes) => {
          const file = await writeTranscript(directory, logs, notes);
          for (const { run, violations } of logs) {
            for (const text of violations) violation(`${run.id} (${run.kind}): ${text} — ${file}`);
          }
        },
      });
      const batches = planLane(seed, index);
      for (let batch = 0; mayBegin(batch); batch += 1) {
        await lane.run(batches.next().value);
        options.onProgress?.(report);
      }
      await lane.endSession();
    });
    const enough = new AbortController();
    const watching = watchForOrphans(place, client, report, violation, enough.signal);
    await settled(lanes, signal);
    enough.abort();
    await watching;
    await kills.stop();
    if (!signal.aborted) await lookForOrphans(place, client, report, violation);
    await gateway.stop();
    for (const left of await leftBehind(place)) violation(`left behind: ${left}`);
  } finally {
    await gateway.stop();
    for (const wire of wires) await wire.close();
  }
  report.seconds = (performance.now() - began) / 1000;
  if (report.violations.length === 0) await rm(home, { recursive: true, force: true });
  return report;
}

/** Waits for all of them, also when one fails; what that was is thrown unless everything was stopped. */
async function settled(lanes: Promise<void>[], signal: AbortSignal): Promise<void> {
  const ends = await Promise.allSettled(lanes);
  for (const end of ends) {
    if (end.status === "rejected" && !signal.aborted) throw end.reason;
  }
}

/** Kills the gateway when the plan says so. */
function gatewayKills(
  { seed, signal, keepGateway }: ChaosOptions,
  gateway: ChaosGateway,
  report: Report,
): { accepted: () => void; stop: () => Promise<void> } {
  const plan = planGatewayKills(seed);
  let next = plan.next().value;
  let runs = 0;
  let stopped = keepGateway;
  let killing: Promise<void> = Promise.resolve();
  const kill = async (delayMs: number): Promise<void> => {
    await delay(delayMs, undefined, { signal });
    await gateway.killAndStart();
    report.fault("gateway killed");
  };
  return {
    accepted() {
      runs += 1;
      if (stopped || gateway.leftAlone || runs < next.afterRuns) return;
      const { delayMs } = next;
      runs = 0;
      next = plan.next().value;
      killing = killing.then(() => kill(delayMs));
      killing.catch(() => undefined);
    },
    stop() {
      stopped = true;
      return killing;
    },
  };
}

const LOOK_EVERY_MS = 15_000;

async function watchForOrphans(
  place: Place,
  client: Client,
  report: Report,
  violation: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const either = AbortSignal.any([signal, client.signal]);
  for (;;) {
    await delay(LOOK_EVERY_MS, undefined, { signal: either }).catch(() => undefined);
    if (either.aborted) return;
    await lookForOrphans(place, client, report, violation);
  }
}

async function lookForOrphans(
  place: Place,
  client: Client,
  report: Report,
  violation: (text: string) => void,
): Promise<void> {
  try {
    for (const orphan of await orphans(place, client)) violation(`orphan: ${orphan}`);
    report.orphanChecks += 1;
  } catch (error) {
    if (!client.signal.aborted) throw error;
  }
}
