import type { ExecutionEvent, FinishedEvent } from "../../src/kernels/event.js";
import { isTerminalEvent } from "../../src/kernels/event.js";
import type { Incident } from "./incident.js";
import type { Interpreter } from "./interpreter.js";
import type { RunLog } from "./run-log.js";
import type { End } from "./runs/run-kind.js";
import { ScriptWalk, text } from "./script.js";

/** What may have disturbed a run. */
export interface Circumstances {
  interpreter: Interpreter;
  /** Each with how many runs it has ended so far. */
  incidents: Map<Incident, number>;
  /** A run ahead of it may have aborted it. */
  abortable: boolean;
}

const COUNT = /^#(\d+)\n/;

/** Events that say something of the run, not what its code says. */
const FRAMEWORK = new Set(["queued", "execution_started", "deadline", "execution_finished"]);

/** Judges what a run has said and how it ended. Violations go into its log. Returns how it ended, for the report. */
export function judge(log: RunLog, circumstances: Circumstances): string {
  const { events } = log;
  const finished = terminalOf(log, events);
  if (holesOf(log).length === 0) checkOrder(log, events);
  const started = events.find((event) => event.type === "execution_started");
  if (holesOf(log).length > 0 && started === undefined) {
    circumstances.interpreter.startedUnseen();
  } else if (started !== undefined) {
    complain(log, circumstances.interpreter.started(started.generation, started.state));
  } else if (
    finished !== undefined &&
    holesOf(log).length === 0 &&
    !["cancelled", "kernel_died"].includes(finished.status)
  ) {
    log.violation(`it ended as ${finished.status} and never started`);
  }
  const walk = follow(log, events, finished, circumstances);
  if (finished === undefined) {
    log.violation("nobody has seen its end");
    return "no end";
  }
  if (walk !== undefined && holesOf(log).length === 0) checkCounts(log, finished, walk);
  checkEnd(log, finished, walk, circumstances);
  return finished.status === "ok" || finished.reason === undefined
    ? finished.status
    : `${finished.status}: ${finished.reason}`;
}

function complain(log: RunLog, violation: string | undefined): void {
  if (violation !== undefined) log.violation(violation);
}

function terminalOf(log: RunLog, events: ExecutionEvent[]): FinishedEvent | undefined {
  const ends = events.filter(isTerminalEvent);
  if (ends.length > 1) log.violation(`it ended ${ends.length} times`);
  const last = events.at(-1);
  if (ends.length > 0 && last?.type !== "execution_finished") {
    log.violation(`${last?.type ?? "nothing"} came behind the end`);
  }
  return ends[0];
}

/** It waits, then starts once, then says something. */
function checkOrder(log: RunLog, events: ExecutionEvent[]): void {
  let position = Infinity;
  let starts = 0;
  for (const event of events) {
    if (event.type === "queued") {
      if (starts > 0) log.violation("it was queued after it had started");
      if (event.position >= position) {
        log.violation(`its position was ${event.position} after ${position}`);
      }
      position = event.position;
    } else if (event.type === "execution_started") {
      starts += 1;
      if (starts > 1) log.violation("it started twice");
    } else if (event.type !== "execution_finished" && starts === 0) {
      log.violation(`${event.type} came before it had started`);
    }
  }
}

/** Compares what was said with the script; undefined where not even the count was said. */
function follow(
  log: RunLog,
  events: ExecutionEvent[],
  finished: FinishedEvent | undefined,
  { interpreter }: Circumstances,
): ScriptWalk | undefined {
  const holes = holesOf(log);
  const outputs = events.filter((event) => event.type === "stream");
  const begin = outputs.slice(0, 8).map((event) => event.text);
  const count = COUNT.exec(begin.join(""))?.[1];
  if (count === undefined && startOf(log) > 0) interpreter.perhapsCounted();
  if (count === undefined && holes.length === 0) {
    if (!/^#?\d*$/.test(outputs.map((event) => event.text).join(""))) {
      log.violation(`it did not begin with its count but with ${JSON.stringify(begin[0])}`);
    }
    return undefined;
  }
  const { script } = log.run.scene;
  if (count !== undefined) complain(log, interpreter.counted(Number(count)));
  const walk = new ScriptWalk(
    count === undefined ? script : [text("stdout", `#${count}\n`), ...script],
  );
  let passed = 0;
  const interrupted = ["interrupted", "timed_out", "cancelled", undefined].includes(
    finished?.status,
  );
  for (const event of events) {
    const hole = holes.findLast(({ to }) => to < event.n)?.to ?? 0;
    if (event.type === "stream" && hole > passed) {
      passed = hole;
      complain(log, walk.resume(event.name, event.text));
    } else if (event.type === "stream") {
      complain(log, walk.text(event.name, event.text));
    } else if (event.type === "output_truncated") {
      if (hole > passed) continue;
      const said = walk.said.stdout + walk.said.stderr;
      const limit = log.run.scene.options?.max_output_bytes ?? 1024 ** 2;
      if (passed === 0 && (said > limit || said < limit - 4)) {
        log.violation(`${said} bytes were passed on of ${limit} that should have been`);
      }
      complain(log, walk.leftOut(event.name, event.dropped_bytes));
    } else if (hole <= passed && !FRAMEWORK.has(event.type)) {
      const isInterrupt = event.type === "error" && event.ename === "KeyboardInterrupt";
      if (!(isInterrupt && interrupted)) complain(log, walk.event(event));
    }
    if (log.violations.length > 5) break;
  }
  return walk;
}

/** The number of the event that tells of the start; 0 where none came. */
function startOf(log: RunLog): number {
  return log.events.find(({ type }) => type === "execution_started")?.n ?? 0;
}

/**
 * Where something of what the run said may be missing: numbers before an event that nobody had straight behind the one
 * before it, because everybody who had both was told of a gap in between.
 */
function holesOf(log: RunLog): { from: number; to: number }[] {
  const joined = new Set<string>();
  for (const { after, gathered, numbers, gaps } of log.readings) {
    if (gathered !== undefined) continue;
    let before = after === 0 ? 0 : undefined;
    for (const n of numbers) {
      const from = before;
      if (from !== undefined && !gaps.some(({ to }) => from < to && to < n)) {
        joined.add(`${from} ${n}`);
      }
      before = n;
    }
  }
  const holes: { from: number; to: number }[] = [];
  let before = 0;
  for (const n of log.numbers) {
    if (!joined.has(`${before} ${n}`) && n > before + 1)
      holes.push({ from: before + 1, to: n - 1 });
    before = n;
  }
  return holes.filter(({ to }) => to > startOf(log));
}

/** What the end says of the output must be what came, and what was left out. */
function checkCounts(log: RunLog, finished: FinishedEvent, walk: ScriptWalk): void {
  const { stdout_bytes, stderr_bytes } = finished.output;
  const isGateways = finished.status === "kernel_died" && stdout_bytes + stderr_bytes === 0;
  if (isGateways || ["session_deleted", "session_expired"].includes(finished.reason ?? "")) return;
  if (stdout_bytes !== walk.said.stdout || stderr_bytes !== walk.said.stderr) {
    const said = `${walk.said.stdout} and ${walk.said.stderr}`;
    log.violation(`its end counts ${stdout_bytes} and ${stderr_bytes} bytes where ${said} came`);
  }
}

function checkEnd(
  log: RunLog,
  finished: FinishedEvent,
  walk: ScriptWalk | undefined,
  { incidents, abortable }: Circumstances,
): void {
  const { scene } = log.run;
  const complete = walk?.complete === true || holesOf(log).length > 0;
  if (scene.ends.some((end) => isEnd(finished, end, complete))) return;
  for (const [incident, hits] of incidents) {
    if (hits >= (incident.atMost ?? Infinity)) continue;
    if (incident.run !== undefined && incident.run !== log.run.id) continue;
    if (!incident.ends.some((end) => isEnd(finished, end, complete))) continue;
    incidents.set(incident, hits + 1);
    return;
  }
  if (abortable && finished.status === "cancelled" && finished.reason === "aborted") return;
  const how = `${finished.status}, ${finished.reason ?? "no reason"}, state ${finished.state}`;
  const missing = complete ? "everything was said" : `${walk?.next ?? "its count"} was to come`;
  log.violation(`it ended in a way that nothing explains: ${how}; ${missing}`);
}

function isEnd(finished: FinishedEvent, end: End, complete: boolean): boolean {
  return (
    finished.status === end.status &&
    finished.reason === end.reason &&
    (end.state === undefined || end.state === finished.state) &&
    (complete || !end.complete)
  );
}

/** Whether every reader has had all there was, each event once. */
export function judgeReadings(
  log: RunLog,
  { mayHaveDropped, sessionEnded }: { mayHaveDropped: boolean; sessionEnded: boolean },
): void {
  const all = log.numbers;
  for (const reading of log.readings) {
    if (reading.end?.kind !== "finished" || reading.gathered !== undefined) continue;
    const had = new Set(reading.numbers);
    const inGap = (n: number): boolean => reading.gaps.some(({ from, to }) => from <= n && n <= to);
    const missing = all.filter((n) => n > reading.after && !had.has(n) && !inGap(n));
    if (missing.length > 0) {
      const which = missing.slice(0, 10).join(", ");
      log.violation(`${reading.name} never got ${missing.length} events: ${which}`);
    }
    for (const { from, to, reason } of reading.gaps) {
      if (from > to) log.violation(`${reading.name} got a gap from ${from} to ${to}`);
      const explained = reason === "dropped" ? mayHaveDropped || sessionEnded : sessionEnded;
      if (!explained) {
        log.violation(
          `${reading.name} got a gap up to ${to}, which must have been kept: ${reason}`,
        );
      }
    }
  }
}
