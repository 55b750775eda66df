import { setTimeout as delay } from "node:timers/promises";
import { judgeBatch } from "./batch-verdict.js";
import { Client } from "./client.js";
import { applyFault, type Target } from "./faults.js";
import type { ChaosGateway, ChaosRuntime } from "./gateway.js";
import { LaneSession } from "./lane-session.js";
import type { PlannedBatch, PlannedFault, PlannedRun } from "./plan.js";
import type { Report } from "./report.js";
import { RunLog } from "./run-log.js";
import { lookAgain } from "./second-look.js";
import { Submission } from "./submission.js";
import type { Wire } from "./wire.js";

/** No run takes as long, on whatever machine: one that does hangs. */
const HANGS_AFTER_MS = 300_000;

export interface LaneOptions {
  name: string;
  runtime: ChaosRuntime;
  gateway: ChaosGateway;
  wire: Wire;
  signal: AbortSignal;
  report: Report;
  /** Told of each run that was accepted. */
  onAccepted: () => void;
  /** Told of a batch in which something went wrong. */
  onViolation(logs: RunLog[], notes: string[]): Promise<void>;
}

/** Runs batches one after the other, in sessions of its own, and judges them. */
export class Lane {
  readonly #client: Client;
  #session: LaneSession | undefined;
  #sessions = 0;

  constructor(private readonly options: LaneOptions) {
    this.#client = new Client(options.gateway, options.wire, options.signal);
  }

  async run(batch: PlannedBatch): Promise<void> {
    const { report } = this.options;
    const session = (this.#session ??= await this.#makeSession());
    const runs = batch.runs.filter(({ scene }) => session.has(scene.needs));
    if (runs.length === 0) return;
    const logs = runs.map((run) => new RunLog(run, this.options.onAccepted));
    const firstNote = session.notes.length;
    session.beginBatch(runs);
    const settled = new Submission(this.#client, session, report).submit(logs);
    const target = this.#target(session, runs);
    const faults = batch.faults.map((fault) => this.#disturb(target, fault, logs, settled));
    await this.#bounded(logs, Promise.all([settled, ...faults]));
    await session.look(this.#client);
    report.lateReads += await lookAgain(this.#client, session, logs);
    judgeBatch(session, logs, report);
    session.endBatch(logs);
    const violated = logs.some(({ violations }) => violations.length > 0);
    if (violated) await this.options.onViolation(logs, session.notes.slice(firstNote));
    if (violated || session.end !== undefined || batch.lastOfSession) await this.endSession();
  }

  /** Leaves no session behind. */
  async endSession(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    await this.#client.insist("DELETE", `/sessions/${session.id}`);
  }

  async #makeSession(): Promise<LaneSession> {
    const id = `${this.options.name}-${(this.#sessions += 1)}`;
    const session = await LaneSession.make(this.#client, id);
    this.options.report.sessions += 1;
    return session;
  }

  #target(session: LaneSession, runs: PlannedRun[]): Target {
    const { runtime, gateway, wire } = this.options;
    return {
      runtime,
      gateway,
      client: this.#client,
      wire,
      session: session.id,
      sandboxId: session.sandboxId,
      batch: session.batch,
      hasDeadlines: runs.some(({ scene }) => scene.options?.timeout_s !== undefined),
      happens: (incident) => session.happens(incident),
      note: (text) => session.note(text),
    };
  }

  /** Does what is planned when its time has come. */
  async #disturb(
    target: Target,
    fault: PlannedFault,
    logs: RunLog[],
    settled: Promise<void>,
  ): Promise<void> {
    if (fault.what === "kernel killed while idle") await settled;
    else await logs[Math.min(fault.run, logs.length - 1)]?.reached(fault.atEvent);
    if (await applyFault(target, fault)) this.options.report.fault(fault.what);
  }

  async #bounded(logs: RunLog[], work: Promise<unknown>): Promise<void> {
    const enough = new AbortController();
    const hung = delay(HANGS_AFTER_MS, "hung", { signal: enough.signal }).catch(() => "over");
    const how = await Promise.race([work.then(() => "over"), hung]);
    enough.abort();
    if (how === "over") return;
    for (const log of logs) {
      if (!log.finished) log.violation(`it has not ended within ${HANGS_AFTER_MS / 1000} s`);
    }
  }
}
