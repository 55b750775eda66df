import { describe, expect, it } from "vitest";
import type { Incident } from "./incident.js";
import { died } from "./incident.js";
import { Interpreter } from "./interpreter.js";
import { judge, judgeReadings } from "./oracle.js";
import { Reading } from "./reading.js";
import { RunLog } from "./run-log.js";
import { OK, type Scene } from "./runs/run-kind.js";
import { text } from "./script.js";

const SCENE: Scene = {
  code: "",
  script: [text("stdout", "one\ntwo\n"), text("stderr", "three\n")],
  ends: [OK],
  events: 3,
};

type Fields = Record<string, unknown>;

const said = (n: number, text: string, name = "stdout"): Fields => ({
  type: "stream",
  n,
  name,
  text,
});

const started = (n: number, more: Fields = {}): Fields => ({
  type: "execution_started",
  n,
  session_id: "s",
  kernel_id: "k",
  generation: 1,
  state: "fresh",
  queued_ms: 0,
  ...more,
});

const finished = (n: number, more: Fields = {}): Fields => ({
  type: "execution_finished",
  n,
  status: "ok",
  execution_count: 1,
  duration_ms: 1,
  state: "kept",
  usage: { cpu_ms: 0, memory_peak_bytes: 0 },
  output: { stdout_bytes: 11, stderr_bytes: 6, truncated: false },
  ...more,
});

/** All that a run says which goes well. */
const WHOLE = [
  started(1),
  said(3, "#1\n"),
  said(4, "one\nt"),
  said(6, "wo\n"),
  said(7, "three\n", "stderr"),
  finished(9),
];

function logOf(...readers: Fields[][]): RunLog {
  const reader = { transport: "events" as const, drops: [], slownessMs: 0 };
  const scene = { ...SCENE };
  const log = new RunLog({ id: "r", kind: "lines", code: "", scene, readers: [reader] });
  readers.forEach((events, index) => {
    const reading = new Reading(`reader ${index}`);
    log.readings.push(reading);
    const common = { at: "2026-01-01T00:00:00.000Z", execution_id: "r" };
    for (const event of events) log.add(reading, JSON.stringify({ ...common, ...event }));
    reading.end = { kind: "finished" };
  });
  return log;
}

/** What the oracle has against this. */
function violations(log: RunLog, incidents: Incident[] = []): string[] {
  judge(log, {
    interpreter: new Interpreter(),
    incidents: new Map(incidents.map((incident) => [incident, 0])),
    abortable: false,
  });
  judgeReadings(log, { mayHaveDropped: false, sessionEnded: false });
  return log.violations;
}

const without = (n: number): Fields[] => WHOLE.filter((event) => event["n"] !== n);
const replaced = (n: number, by: Fields): Fields[] =>
  WHOLE.map((event) => (event["n"] === n ? { ...event, ...by } : event));

describe("the oracle", () => {
  it("has nothing against a run that has said everything, to readers who had everything", () => {
    expect(violations(logOf(WHOLE, WHOLE))).toEqual([]);
  });

  it.each([
    ["a lost event", logOf(without(4)), "where"],
    [
      "an event that one of two readers never got",
      logOf(WHOLE, without(4)),
      "never got 1 events: 4",
    ],
    [
      "a doubled event",
      logOf([...WHOLE.slice(0, 4), ...WHOLE.slice(3)]),
      "number 6 (stream) after 6",
    ],
    ["the same text under two numbers", logOf(replaced(6, { text: "one\n" })), "was to come"],
    ["streams in another order", logOf(replaced(3, { name: "stderr" })), "count"],
    [
      "different events of one number",
      logOf(WHOLE, replaced(6, { text: "wo!\n" })),
      "different events 6",
    ],
    ["another's event", logOf(replaced(6, { execution_id: "q" })), "an event of q"],
    ["something behind the end", logOf([...WHOLE, said(10, "more\n")]), "behind the end"],
    ["two ends", logOf([...WHOLE, finished(10)]), "ended 2 times"],
    ["no end", logOf(without(9)), "nobody has seen its end"],
    [
      "an end that counts other bytes",
      logOf(replaced(9, { output: { stdout_bytes: 1, stderr_bytes: 6, truncated: false } })),
      "counts 1 and 6",
    ],
    ["a second run of the same code", logOf(replaced(3, { text: "#2\n" })), "it is run 2"],
    [
      "state that is called kept and is not",
      logOf(replaced(1, { state: "kept" })),
      "state is kept",
    ],
    ["output before the start", logOf([said(0, "#1\n"), ...WHOLE]), "before it had started"],
    [
      "a death that nothing explains",
      logOf(replaced(9, { status: "kernel_died", state: "lost", reason: "signal 9" })),
      "nothing explains",
    ],
    [
      "a gap in what must have been kept",
      logOf(WHOLE, [
        WHOLE[0] ?? {},
        { type: "gap", n: 4, from: 2, to: 4, reason: "dropped" },
        ...WHOLE.slice(3),
      ]),
      "must have been kept",
    ],
  ])("has something against %s", (_, log, complaint) => {
    expect(violations(log).join("\n")).toContain(complaint);
  });

  it("knows what is missing where each reader has missed something else", () => {
    const gap = (from: number, to: number): Fields => ({
      type: "gap",
      n: to,
      from,
      to,
      reason: "dropped",
    });
    const all = [
      started(1),
      ...[said(2, "#1\n"), said(3, "on"), said(4, "e\n"), said(5, "t"), said(6, "wo\n")],
      ...[said(7, "three\n", "stderr"), finished(9)],
    ];
    const from = (n: number): Fields[] => all.filter((event) => Number(event["n"]) >= n);
    const most = [...all.slice(0, 2), gap(3, 5), ...from(6)];
    const other = [...all.slice(0, 2), gap(3, 3), ...all.slice(3, 4), gap(5, 6), ...from(7)];
    const judged = (log: RunLog): string[] => {
      const interpreter = new Interpreter();
      judge(log, { interpreter, incidents: new Map(), abortable: false });
      judgeReadings(log, { mayHaveDropped: true, sessionEnded: false });
      return log.violations;
    };
    expect(judged(logOf(most, other))).toEqual([]);
    const wrong = other.map((event) => (event["n"] === 4 ? { ...event, text: "x\n" } : event));
    expect(judged(logOf(most, wrong)).join()).toContain("nowhere to come");
    const lost = most.filter((event) => event["n"] !== 6);
    expect(
      judged(
        logOf(
          lost,
          other.filter((event) => event["n"] !== 7),
        ),
      ).join(),
    ).not.toBe("");
  });

  it("knows what was left out, also where a gap comes behind it", () => {
    const truncated = (n: number, bytes: number): Fields => ({
      ...{ type: "output_truncated", n, name: "stdout", dropped_bytes: bytes },
    });
    const left = (bytes: number): Fields[] => [
      ...[started(1), said(3, "#1\n"), said(4, "one\n"), truncated(5, bytes)],
      { type: "gap", n: 8, from: 6, to: 8, reason: "sandbox_gone" },
      finished(9),
    ];
    const judged = (log: RunLog): string => {
      Object.assign(log.run.scene, { options: { max_output_bytes: 8 } });
      judge(log, { interpreter: new Interpreter(), incidents: new Map(), abortable: false });
      return log.violations.join();
    };
    expect(judged(logOf(left(4)))).toBe("");
    expect(judged(logOf(left(40)))).toContain("only 4 were to come");
  });

  it("lets what was done to a session explain how a run ended, as often as it can", () => {
    const kill: Incident = {
      what: "kernel killed",
      ends: [died("signal 9")],
      sessionEnds: [],
      atMost: 1,
      batch: 1,
    };
    const dead = [
      ...WHOLE.slice(0, 3),
      finished(9, {
        status: "kernel_died",
        state: "lost",
        reason: "signal 9",
        output: { stdout_bytes: 8, stderr_bytes: 0, truncated: false },
      }),
    ];
    expect(violations(logOf(dead), [kill])).toEqual([]);
    expect(violations(logOf(dead), [{ ...kill, atMost: 0 }]).join()).toContain("nothing explains");
    expect(violations(logOf(dead), [{ ...kill, run: "another" }]).join()).toContain(
      "nothing explains",
    );
  });
});
