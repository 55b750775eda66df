import type { ExecutionEvent } from "../../src/kernels/event.js";
import { died } from "./incident.js";
import type { LaneSession } from "./lane-session.js";
import { judge, judgeReadings } from "./oracle.js";
import type { Reading } from "./reading.js";
import type { Report } from "./report.js";
import type { RunLog } from "./run-log.js";

/** What the journal of a sandbox keeps at least: what it holds in memory, less a margin for how frames are counted. */
const KEPT_BYTES = 6 * 1024 ** 2;

/** Judges the runs of a batch, in the order in which they were submitted, and their session. */
export function judgeBatch(session: LaneSession, logs: readonly RunLog[], report: Report): void {
  session.size += logs.reduce((total, log) => total + log.size, 0);
  const own = logs.find(
    ({ run }) => session.end !== undefined && run.scene.sessionEnd === session.end,
  );
  if (own !== undefined && session.end !== undefined) {
    const { batch, end } = session;
    session.happens({ what: own.run.kind, batch, ends: [died(end)], sessionEnds: [end] });
  }
  let abortable = false;
  let lastEnd = 0;
  for (const log of logs) {
    if (!log.accepted) {
      if (session.end === undefined) log.violation("it was never accepted");
      report.run(log.run.kind, "not accepted: session ended");
      continue;
    }
    const started = log.events.find(({ type }) => type === "execution_started");
    if (started !== undefined) {
      if (started.n < lastEnd) log.violation("it started before the run ahead had ended");
      lastEnd = log.numbers.at(-1) ?? 0;
    }
    const { interpreter, incidents } = session;
    const end = judge(log, { interpreter, incidents, abortable });
    const sessionEnded = session.end !== undefined;
    const mayHaveDropped = session.size > KEPT_BYTES;
    judgeReadings(log, { mayHaveDropped, sessionEnded });
    // Of a sandbox that is gone, whoever comes later has only how its runs ended.
    for (const reading of log.readings) judgeGathered(log, reading, mayHaveDropped || sessionEnded);
    const failed = !/^(ok|cancelled)/.test(end);
    abortable ||= failed && log.run.scene.options?.stop_on_error === true;
    report.judged(log, end);
  }
  judgeEarlier(session, logs[0]);
  judgeSessionEnd(session, logs[0]);
}

/** What was read again of runs of earlier batches. */
function judgeEarlier(session: LaneSession, first: RunLog | undefined): void {
  for (const log of session.earlier) {
    judgeReadings(log, { mayHaveDropped: session.size > KEPT_BYTES, sessionEnded: false });
    if (log.violations.length > 0) {
      first?.violation(`${log.run.id}: ${log.violations.join("; ")}`);
    }
  }
}

function judgeSessionEnd({ end, incidents }: LaneSession, first: RunLog | undefined): void {
  if (end === undefined) return;
  if ([...incidents.keys()].some(({ sessionEnds }) => sessionEnds.includes(end))) return;
  first?.violation(`its session has ended, which nothing explains: ${end}`);
}

/** What was gathered must be what was streamed. */
function judgeGathered(log: RunLog, reading: Reading, mayHaveDropped: boolean): void {
  const { events } = log;
  const finished = events.find((event) => event.type === "execution_finished");
  if (reading.gathered === undefined || finished === undefined) return;
  const result = JSON.parse(reading.gathered) as {
    status: string;
    reason?: string;
    outputs: { name?: string; text?: string }[];
  };
  if (result.status !== finished.status || result.reason !== finished.reason) {
    log.violation(`${reading.name} was told ${result.status}, ${result.reason ?? "no reason"}`);
  }
  // Where something is left out, both say so in their own way.
  const truncated = events.some((event) => event.type === "output_truncated");
  if (truncated || !wasStreamedWhole(log)) return;
  const gathered = (name: string): string =>
    result.outputs.map((output) => (output.name === name ? output.text : "")).join("");
  // Who joins a run late, or reads slowly, is told each time that a part is not kept any more.
  const gaps = gathered("stderr").split("[… output is missing here").length - 1;
  if (mayHaveDropped && gaps > 0) {
    if (isWithoutParts(streamed(events, "stdout"), gathered("stdout"), gaps)) return;
  }
  for (const name of ["stdout", "stderr"]) {
    if (gathered(name) === streamed(events, name)) continue;
    log.violation(`${reading.name} got another ${name} than what was streamed`);
  }
}

function wasStreamedWhole(log: RunLog): boolean {
  return log.readings.some(
    ({ after, gaps, end, gathered }) =>
      gathered === undefined && after === 0 && gaps.length === 0 && end?.kind === "finished",
  );
}

function streamed(events: readonly ExecutionEvent[], name: string): string {
  return events
    .map((event) => (event.type === "stream" && event.name === name ? event.text : ""))
    .join("");
}

/** How much of a text says where in another it is: lines of runs that say much are shorter, and each is another. */
const TELLING = 2_000;

/** Whether `text` is what is left of `whole` where at most so many parts were taken out. */
export function isWithoutParts(whole: string, text: string, parts: number): boolean {
  let left = parts;
  let position = 0;
  for (let at = 0; at < text.length; at += 1, position += 1) {
    if (text[at] === whole[position]) continue;
    if (left === 0) return false;
    left -= 1;
    position = whole.indexOf(text.slice(at, at + TELLING), position);
    if (position < 0) return false;
  }
  return left > 0 || position === whole.length;
}
