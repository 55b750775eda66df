import {
  type ExecutionFinishedRecord,
  type JournalRecord,
  type MessageRecord,
  type RunRecord,
  isTerminal,
} from "./journal-record.js";

/** How many ended runs are remembered, each with its last record; more than kerneld remembers. */
const MAX_ENDED = 1_024;

/** Stands for a kernel that nobody has named yet. */
const NO_KERNEL = "00000000-0000-0000-0000-000000000000";

/** A run that the gateway asks a sandbox for. */
export interface ExpectedRun {
  run: string;
  kernel?: string | undefined;
  /** Of a run that is known to have started. */
  generation?: number | undefined;
  startedAt?: number | undefined;
}

/** A run without its end. */
export interface OpenRun {
  run: string;
  kernel: string;
  generation: number;
  /** When it started, in milliseconds since the epoch, as the gateway saw it. */
  startedAt?: number | undefined;
}

/** Which runs a sandbox was asked for, and how they ended. */
export interface RunLedger {
  expect(run: ExpectedRun): void;
  /** Takes back an expectation: the sandbox refused the run. */
  forget(run: string): void;
  /** Runs without end, in the order in which they were expected. */
  open(): OpenRun[];
  isOpen(run: string): boolean;
  /** Whether the session ever asked for this run, as far as anybody remembers. */
  knows(run: string): boolean;
  terminal(run: string): ExecutionFinishedRecord | undefined;
  /** The last records of all runs that are remembered, oldest first. */
  ends(): ExecutionFinishedRecord[];
  /**
   * The record as it may be passed on, or null when it is to be dropped: of a run nobody asked for, a second end, or
   * news of a run that had ended. Output behind a run's end is marked late, whatever the sandbox says. Runs of records up to
   * `since` were asked for by an earlier gateway, which nobody can check. `live` records
   * come from the subscription and decide how runs go; read again from the journal they decide nothing that the
   * subscription decides.
   */
  admit(record: JournalRecord, live: boolean): JournalRecord | null;
}

/**
 * @param since the number behind which the subscription sees every record
 * @param isKnown says of runs that were not expected here whether the session asked for them once
 * @param earlier how runs ended before
 */
export function createRunLedger(
  since: number,
  isKnown: (run: string) => boolean,
  earlier: Iterable<ExecutionFinishedRecord> = [],
): RunLedger {
  const open = new Map<string, OpenRun>();
  const ended = new Map<string, ExecutionFinishedRecord>();

  const finish = (end: ExecutionFinishedRecord) => {
    open.delete(end.run);
    ended.set(end.run, end);
    const [oldest] = ended.keys();
    if (ended.size > MAX_ENDED && oldest !== undefined) ended.delete(oldest);
  };

  const progress = (record: RunRecord) => {
    const { run, kernel, generation } = record;
    const before = open.get(run);
    const startedAt = record.event === "execution_started" ? Date.now() : undefined;
    open.set(run, {
      ...before,
      run,
      kernel,
      generation,
      startedAt: before?.startedAt ?? startedAt,
    });
  };

  const admitUnended = (record: RunRecord | MessageRecord, run: string, live: boolean) => {
    if (record.n > since && !open.has(run) && !isKnown(run)) return null;
    if (isTerminal(record)) {
      if (!live && record.n > since) return null;
      finish(record);
    } else if (live && record.kind === "run") {
      progress(record);
    }
    return record;
  };

  for (const end of earlier) finish(end);

  return {
    expect: ({ run, kernel = NO_KERNEL, generation = 0, startedAt }) => {
      if (!ended.has(run) && !open.has(run)) open.set(run, { run, kernel, generation, startedAt });
    },
    forget: (run) => {
      open.delete(run);
    },
    open: () => [...open.values()],
    isOpen: (run) => open.has(run),
    knows: (run) => open.has(run) || ended.has(run) || isKnown(run),
    terminal: (run) => ended.get(run),
    ends: () => [...ended.values()],
    admit: (record, live) => {
      if (record.kind === "kernel" || record.kind === "gap" || record.run === null) return record;
      const end = ended.get(record.run);
      if (end === undefined) return admitUnended(record, record.run, live);
      if (record.n === end.n) return end;
      if (record.n < end.n) return isTerminal(record) ? null : record;
      if (record.kind === "run") return null;
      return record.late ? record : { ...record, late: true };
    },
  };
}
