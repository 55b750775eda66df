import { type JournalRecord, isTerminal } from "./journal-record.js";

/** What a reader of a sandbox's feed wants: everything, one run's records, or one kernel's. */
export interface FeedQuery {
  /** Records with larger numbers. */
  after: number;
  /** Ends behind the run's last record; leaves out its late output. */
  run?: string | undefined;
  kernel?: string | undefined;
  /** Ends the reading with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Whether a record belongs to what was asked for. Gaps belong to everybody. */
export function matches(record: JournalRecord, { run, kernel }: FeedQuery): boolean {
  if (record.kind === "gap") return true;
  if (kernel !== undefined && record.kernel !== kernel) return false;
  if (run === undefined) return true;
  if (record.kind === "kernel" || record.run !== run) return false;
  return record.kind === "run" || !record.late;
}

/** Whether nothing can follow a record in what was asked for. */
export function isLast(record: JournalRecord, { run }: FeedQuery): boolean {
  return run !== undefined && isTerminal(record) && record.run === run;
}
