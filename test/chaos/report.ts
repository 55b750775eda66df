import type { RunLog } from "./run-log.js";

/** Counts of what has happened. */
export class Report {
  readonly runs = new Map<string, Map<string, number>>();
  readonly faults = new Map<string, number>();
  sessions = 0;
  events = 0;
  frames = 0;
  resumes = 0;
  gaps = 0;
  readings = 0;
  lateReads = 0;
  orphanChecks = 0;
  violations: string[] = [];
  startsMs: readonly number[] = [];
  gatewayErrors: readonly string[] = [];
  seconds = 0;

  constructor(
    readonly seed: number,
    readonly runtime: string,
  ) {}

  run(kind: string, end: string): void {
    const ends = this.runs.get(kind) ?? new Map<string, number>();
    ends.set(end, (ends.get(end) ?? 0) + 1);
    this.runs.set(kind, ends);
  }

  fault(what: string): void {
    this.faults.set(what, (this.faults.get(what) ?? 0) + 1);
  }

  judged(log: RunLog, end: string): void {
    this.run(log.run.kind, end);
    this.events += log.numbers.length;
    this.frames += log.frames;
    this.readings += log.readings.length;
    for (const reading of log.readings) {
      this.resumes += reading.resumes;
      this.gaps += reading.gaps.length;
    }
  }

  get runCount(): number {
    return sum([...this.runs.values()].flatMap((ends) => [...ends.values()]));
  }

  get faultCount(): number {
    return sum([...this.faults.values()]);
  }

  /** One line, for those who wait. */
  progress(): string {
    return `${this.runCount} runs, ${this.faultCount} faults, ${this.events} events, ${this.violations.length} violations`;
  }

  table(): string {
    const rows: [string, string][] = [];
    for (const [kind, ends] of [...this.runs].sort()) {
      const total = sum([...ends.values()]);
      const parts = [...ends].sort((a, b) => b[1] - a[1]).map(([end, count]) => `${end} ${count}`);
      rows.push([`runs: ${kind} ${total}`, parts.join(", ")]);
    }
    for (const [what, count] of [...this.faults].sort())
      rows.push([`fault: ${what}`, String(count)]);
    const slowest = Math.round(Math.max(0, ...this.startsMs.slice(1)));
    const median = [...this.startsMs.slice(1)].sort((a, b) => a - b)[
      (this.startsMs.length - 1) >> 1
    ];
    rows.push(
      ["all", `${this.runCount} runs in ${this.sessions} sessions, ${this.faultCount} faults`],
      [
        "events",
        `${this.events} checked, in ${this.frames} frames that ${this.readings} readers got`,
      ],
      [
        "readers",
        `came back ${this.resumes} times, ${this.lateReads} read again, ${this.gaps} gaps`,
      ],
      [
        "gateway starts",
        `${this.startsMs.length}; after a kill median ${Math.round(median ?? 0)} ms, slowest ${slowest} ms`,
      ],
      ["orphans", `looked for ${this.orphanChecks} times`],
      ["errors logged", String(this.gatewayErrors.length)],
      ["violations", String(this.violations.length)],
    );
    const width = Math.max(...rows.map(([name]) => name.length));
    const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
    const title = `Chaos on ${this.runtime}, seed ${this.seed}, ${Math.round(this.seconds)} s`;
    return [title, ...lines, ...this.violations.map((text) => `VIOLATION ${text}`)].join("\n");
  }
}

const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);
