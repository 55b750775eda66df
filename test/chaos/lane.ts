import { setTimeout as delay } from "node:timers/promises";
import type { ExecutionEvent } from "../../src/kernels/event.js";
import { Client, problemOf } from "./client.js";
import { applyFault, type Target } from "./faults.js";
import type { ChaosGateway, ChaosRuntime } from "./gateway.js";
import { cancelled, type Incident } from "./incident.js";
import { Interpreter } from "./interpreter.js";
import { judge, judgeReadings } from "./oracle.js";
import type { PlannedBatch, PlannedReader, PlannedRun } from "./plan.js";
import { Reading, type ReadingEnd } from "./reading.js";
import { followEventStream } from "./readers/event-stream.js";
import { executionsPath, type Follow } from "./readers/follower.js";
import { gather } from "./readers/gatherer.js";
import { followSocket } from "./readers/socket.js";
import type { Report } from "./report.js";
import { RunLog } from "./run-log.js";
import type { Wire } from "./wire.js";

/** No run takes as long, on whatever machine: one that does hangs. */
const HANGS_AFTER_MS = 300_000;

/** What the journal of a sandbox keeps at least: what it holds in memory, less a margin for how frames are counted. */
const KEPT_BYTES = 6 * 1024 ** 2;

/** Of how many earlier runs of a session everything is read again. */
const REREAD_RUNS = 3;

const FOLLOW: Record<PlannedReader["transport"], Follow> = {
  events: followEventStream,
  socket: followSocket,
  gathered: gather,
};

const PATIENT_READER: PlannedReader = { transport: "events", drops: [], slownessMs: 0 };

export interface LaneOptions {
  name: string;
  runtime: ChaosRuntime;
  gateway: ChaosGateway;
  wire: Wire;
  signal: AbortSignal;
  report: Report;
  /** Told of each run that was accepted. */
  onAccepted: () => void;
  /** Writes down what is known of runs that went wrong. */
  onViolation(title: string, logs: RunLog[], notes: string[]): Promise<void>;
}

/** A session of a lane, as long as it lives. */
interface LaneSession {
  id: string;
  sandboxId: string;
  protections: string[];
  interpreter: Interpreter;
  incidents: Map<Incident, number>;
  logs: RunLog[];
  notes: string[];
  batch: number;
  /** Characters of events, run by run. */
  size: number;
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
    const session = (this.#session ??= await this.#makeSession());
    session.batch += 1;
    const runs = batch.runs.filter(({ scene }) => this.#has(session, scene.needs));
    if (runs.length === 0) return;
    const logs = runs.map((run) => new RunLog(run, () => this.options.onAccepted()));
    const firstNote = session.notes.length;
    session.notes.push(`${time()} batch ${session.batch}: ${runs.map(({ id }) => id).join(", ")}`);
    const target = this.#target(session, runs);
    const settled = this.#submitAll(session, logs);
    const faults = batch.faults.map(async (fault) => {
      const log = logs[Math.min(fault.run, logs.length - 1)];
      if (fault.what === "kernel killed while idle") await settled;
      else await log?.reached(fault.atEvent);
      if (await applyFault(target, fault)) this.options.report.fault(fault.what);
    });
    await this.#bounded(logs, Promise.all([settled, ...faults]));
    const sessionEnd = await this.#sessionEnd(session);
    await this.#readAgain(session, logs, sessionEnd !== undefined);
    if (sessionEnd === undefined) await this.#readList(session, logs);
    this.#judge(session, logs, sessionEnd);
    session.logs.push(...logs);
    if (logs.some(({ violations }) => violations.length > 0)) {
      const [bad] = logs.filter(({ violations }) => violations.length > 0);
      const notes = session.notes.slice(firstNote);
      await this.options.onViolation(bad?.run.id ?? session.id, logs, notes);
      await this.endSession();
    } else if (sessionEnd !== undefined || batch.lastOfSession) await this.endSession();
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
    const { status, text } = await this.#client.insist("PUT", `/sessions/${id}`, { body: {} });
    if (status !== 200 && status !== 201) throw new Error(`no session: ${status} ${text}`);
    const view = JSON.parse(text) as { sandbox_id: string; isolation: { protections: string[] } };
    this.options.report.sessions += 1;
    return {
      id,
      sandboxId: view.sandbox_id,
      protections: view.isolation.protections,
      interpreter: new Interpreter(),
      incidents: new Map(),
      logs: [],
      notes: [`${time()} session ${id} is sandbox ${view.sandbox_id}`],
      batch: 0,
      size: 0,
    };
  }

  #has(session: LaneSession, needs: string | undefined): boolean {
    return needs === undefined || session.protections.includes(needs);
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
      happens: (incident) => session.incidents.set(incident, 0),
      note: (text) => session.notes.push(`${time()} ${text}`),
    };
  }

  /** Submits the runs in their order; resolves when all that follow them have had their ends. */
  async #submitAll(session: LaneSession, logs: RunLog[]): Promise<void> {
    const following: Promise<void>[] = [];
    for (const log of logs) {
      const over = this.#followAll(session, log);
      following.push(over);
      await Promise.race([log.acceptance, over]);
    }
    await Promise.all(following);
  }

  async #followAll(session: LaneSession, log: RunLog): Promise<void> {
    const { readers, scene, request } = log.run;
    const submission = {
      code: log.run.code,
      timeout_s: 600,
      ...scene.options,
      execution_id: log.run.id,
      ...(request?.what === "leave" ? { on_disconnect: "cancel" } : {}),
    };
    const answered = new Set<number>();
    const answers: Promise<void>[] = [];
    const onEvent = (event: ExecutionEvent): void => {
      if (event.type !== "input_request" || answered.has(event.n)) return;
      const value = scene.answers?.[answered.size] ?? "";
      answered.add(event.n);
      answers.push(this.#answer(session, log, value));
    };
    const [submitter, ...others] = readers;
    const first = this.#follow(session, log, "submitter", submitter, {
      submission,
      onEvent,
    });
    await Promise.race([log.acceptance, first]);
    const requested = this.#request(session, log);
    const rest = others.map((reader, index) =>
      this.#follow(session, log, `reader ${index + 1}`, reader, {
        submission: reader.transport === "gathered" ? submission : undefined,
        onEvent,
      }),
    );
    const ends = await Promise.all([first, ...rest]);
    if (ends.some(({ kind }) => kind === "left") || !log.finished) {
      await this.#follow(session, log, "successor", PATIENT_READER, {
        submission: undefined,
        onEvent,
      });
    }
    log.settle();
    await Promise.all([requested, ...answers]);
  }

  async #follow(
    session: LaneSession,
    log: RunLog,
    name: string,
    reader: PlannedReader,
    rest: {
      submission: Record<string, unknown> | undefined;
      onEvent: (event: ExecutionEvent) => void;
    },
  ): Promise<ReadingEnd> {
    const reading = new Reading(`${name} (${reader.transport})`);
    log.readings.push(reading);
    const client = this.#client;
    const follow = FOLLOW[reader.transport];
    const end = await follow({ client, session: session.id, log, reading, reader, ...rest });
    reading.end = end;
    const how = end.kind === "gone" ? `gone: ${end.problem.code}: ${end.problem.detail}` : end.kind;
    log.note(`${reading.name}: ${how}`);
    return end;
  }

  async #answer(session: LaneSession, log: RunLog, value: string): Promise<void> {
    const path = `${executionsPath(session.id, log.run.id)}/input`;
    const { status } = await this.#client.insist("POST", path, { body: { value } });
    log.note(`its question was answered: ${status}`);
  }

  /** What a client asks for in the midst of the run. */
  async #request(session: LaneSession, log: RunLog): Promise<void> {
    const { request } = log.run;
    if (request === undefined || request.what === "leave") return;
    await log.reached(request.atEvent);
    const path = executionsPath(session.id, log.run.id);
    const batch = session.batch;
    const { what } = request;
    session.incidents.set(
      {
        what,
        batch,
        run: log.run.id,
        sessionEnds: [],
        ends:
          what === "interrupt"
            ? [{ status: "interrupted", state: "kept", complete: false }, cancelled("cancelled")]
            : [cancelled("cancelled")],
      },
      0,
    );
    const { status } = await (what === "interrupt"
      ? this.#client.insist("POST", `${path}/interrupt`)
      : this.#client.insist("DELETE", path));
    log.note(`${what} was answered ${status}`);
    this.options.report.fault(`run ${what === "interrupt" ? "interrupted" : "cancelled"}`);
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

  /** Why the session has ended; undefined while it lives. */
  async #sessionEnd(session: LaneSession): Promise<string | undefined> {
    const { status, text } = await this.#client.insist("GET", `/sessions/${session.id}`);
    if (status === 200) return undefined;
    const { code, detail } = problemOf(text);
    session.notes.push(`${time()} the session is gone: ${status} ${code}: ${detail}`);
    return /has ended: (\w+)/.exec(detail)?.[1] ?? `${status} ${code}`;
  }

  /** Somebody comes when all is over and reads everything, also of earlier runs. */
  async #readAgain(session: LaneSession, logs: RunLog[], gone: boolean): Promise<void> {
    const earlier = gone ? [] : session.logs.slice(-REREAD_RUNS);
    for (const log of [...earlier, ...logs]) {
      if (!log.accepted || log.violations.length > 0) continue;
      const { numbers } = log;
      const middle = numbers[Math.floor(numbers.length / 2)] ?? 0;
      for (const after of new Set([0, middle])) {
        const reading = new Reading(`late reader after ${after}`, after);
        const end = await followEventStream({
          client: this.#client,
          session: session.id,
          log,
          reading,
          reader: PATIENT_READER,
          submission: undefined,
          onEvent: () => undefined,
        });
        reading.end = end;
        if (end.kind === "gone" && !gone && end.problem.code !== "session_ended") {
          log.violation(`${reading.name} was answered ${end.status} ${end.problem.code}`);
        }
        log.readings.push(reading);
      }
      this.options.report.lateReads += 2;
    }
  }

  /** What the list of executions says of runs must be how they ended. */
  async #readList(session: LaneSession, logs: RunLog[]): Promise<void> {
    const { status, text } = await this.#client.insist("GET", `/sessions/${session.id}/executions`);
    if (status !== 200) return;
    const { executions } = JSON.parse(text) as {
      executions: { id: string; status: string | null }[];
    };
    for (const log of logs) {
      const finished = log.events.find((event) => event.type === "execution_finished");
      const listed = executions.filter(({ id }) => id === log.run.id);
      if (!log.accepted || finished === undefined) continue;
      if (listed.length !== 1 || listed[0]?.status !== finished.status) {
        log.violation(`the list says of it ${JSON.stringify(listed)}`);
      }
    }
  }

  #judge(session: LaneSession, logs: RunLog[], sessionEnd: string | undefined): void {
    const { report } = this.options;
    for (const [incident] of session.incidents) {
      const age = session.batch - incident.batch;
      if (age > (incident.lasting === true ? 1 : 0) && incident.sessionEnds.length === 0) {
        session.incidents.delete(incident);
      }
    }
    const sizeBefore = session.size;
    for (const log of logs) session.size += log.size;
    let abortable = false;
    let lastEnd = 0;
    for (const log of logs) {
      if (!log.accepted) {
        if (sessionEnd === undefined) log.violation("it was never accepted");
        report.run(log.run.kind, "not accepted: session ended");
        continue;
      }
      const started = log.events.find(({ type }) => type === "execution_started");
      if (started !== undefined && started.n < lastEnd)
        log.violation("it started before the run ahead had ended");
      if (started !== undefined) lastEnd = log.numbers.at(-1) ?? 0;
      if (log.run.request?.what === "leave") {
        session.incidents.set(
          {
            what: "leave",
            batch: session.batch,
            run: log.run.id,
            sessionEnds: [],
            ends: [cancelled("cancelled")],
          },
          0,
        );
      }
      const end = judge(log, {
        interpreter: session.interpreter,
        incidents: session.incidents,
        abortable,
      });
      judgeReadings(log, {
        mayHaveDropped: session.size - sizeBefore > KEPT_BYTES,
        sessionEnded: sessionEnd !== undefined,
      });
      checkGathered(log);
      abortable ||= log.run.scene.options?.stop_on_error === true;
      report.judged(log, end);
    }
    for (const log of session.logs.slice(-REREAD_RUNS)) {
      judgeReadings(log, { mayHaveDropped: session.size > KEPT_BYTES, sessionEnded: true });
    }
    const bad = session.logs.filter(({ violations }) => violations.length > 0);
    for (const log of bad) logs[0]?.violation(`${log.run.id}: ${log.violations.join("; ")}`);
    if (sessionEnd === undefined) return;
    const explained = [...session.incidents.keys()].some(({ sessionEnds }) =>
      sessionEnds.includes(sessionEnd),
    );
    const expected = logs.some(({ run }) => run.scene.sessionEnd === sessionEnd);
    if (!explained && !expected)
      logs[0]?.violation(`its session has ended, which nothing explains: ${sessionEnd}`);
  }
}

const time = (): string => new Date().toISOString();

/** What was gathered must be what was streamed. */
function checkGathered(log: RunLog): void {
  const { events } = log;
  const finished = events.find((event) => event.type === "execution_finished");
  const truncated = events.some((event) => event.type === "output_truncated");
  for (const reading of log.readings) {
    if (reading.gathered === undefined || finished === undefined) continue;
    const result = JSON.parse(reading.gathered) as {
      status: string;
      reason?: string;
      outputs: { output_type: string; name?: string; text?: string }[];
    };
    if (result.status !== finished.status || result.reason !== finished.reason) {
      log.violation(`${reading.name} was told ${result.status}, ${result.reason ?? "no reason"}`);
    }
    const whole = log.readings.some(
      ({ after, gaps, end, gathered }) =>
        gathered === undefined && after === 0 && gaps.length === 0 && end?.kind === "finished",
    );
    if (truncated || !whole) continue;
    for (const name of ["stdout", "stderr"]) {
      const gathered = result.outputs.map((output) =>
        output.name === name ? (output.text ?? "") : "",
      );
      const streamed = events.map((event) =>
        event.type === "stream" && event.name === name ? event.text : "",
      );
      if (gathered.join("") !== streamed.join("")) {
        log.violation(`${reading.name} got another ${name} than what was streamed`);
      }
    }
  }
}
