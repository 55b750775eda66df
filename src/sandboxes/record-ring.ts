import type { SizedRecord } from "./journal-decoder.js";
import type { JournalRecord } from "./journal-record.js";

/** The most recent records of a sandbox, bounded by their size in memory. */
export interface RecordRing {
  /** Every record behind this number is held. */
  readonly floor: number;
  readonly bytes: number;
  /** Appends; the oldest records go when the limit is passed. */
  push(sized: SizedRecord): void;
  /** The first record behind a number that is at least `floor`. */
  after(n: number): JournalRecord | undefined;
  /** Frees what is not behind `n`. */
  trim(n: number): void;
}

/** @param after the number behind which records will come */
export function createRecordRing(after: number, limitBytes: number): RecordRing {
  let records: (SizedRecord | undefined)[] = [];
  /** Index of the oldest record held: shifting an array would cost its length each time. */
  let first = 0;
  let floor = after;
  let bytes = 0;

  const dropOldest = () => {
    const oldest = records[first];
    if (oldest === undefined) return;
    bytes -= oldest.bytes;
    floor = oldest.record.n;
    // The slot is emptied at once, so that the record can go, and given back when half of the array is empty.
    records[first] = undefined;
    first += 1;
    if (first * 2 >= records.length) {
      records = records.slice(first);
      first = 0;
    }
  };

  /** Index of the first record behind `n`. */
  const indexAfter = (n: number): number => {
    let low = first;
    let high = records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((records[middle]?.record.n ?? Infinity) > n) high = middle;
      else low = middle + 1;
    }
    return low;
  };

  return {
    get floor() {
      return floor;
    },
    get bytes() {
      return bytes;
    },
    push: (sized) => {
      records.push(sized);
      bytes += sized.bytes;
      while (bytes > limitBytes && records.length - first > 1) dropOldest();
    },
    after: (n) => records[indexAfter(n)]?.record,
    trim: (n) => {
      while ((records[first]?.record.n ?? Infinity) <= n) dropOldest();
    },
  };
}
