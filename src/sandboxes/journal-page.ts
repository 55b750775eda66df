import { within } from "./deadline.js";
import type { FeedQuery } from "./feed-query.js";
import type { JournalRecord } from "./journal-record.js";
import { type JournalQuery, readJournal } from "./journal.js";
import { isTransient } from "./link-error.js";
import type { SandboxLink } from "./link.js";

/** A page is read at once and its connection given back: a slow reader holds none, and no more than this in memory. */
const PAGE_BYTES = 1024 * 1024;
const PAGE_WITHIN_MS = 30_000;

/** Some of the journal's records, and whether they are all that there were up to the number asked for. */
export interface JournalPage {
  records: JournalRecord[];
  complete: boolean;
}

/**
 * Reads the records behind `query.after`, up to and with `upTo`, as many as fit in a page.
 * @throws LinkError, KerneldError, the signal's reason
 */
export function readPage(
  link: SandboxLink,
  query: FeedQuery,
  upTo: number,
  signal: AbortSignal,
): Promise<JournalPage> {
  const records: JournalRecord[] = [];
  let bytes = 0;
  return within(PAGE_WITHIN_MS, signal, async (deadline) => {
    const asked: JournalQuery = {
      after: query.after,
      follow: false,
      run: query.run,
      kernel: query.kernel,
      signal: deadline,
    };
    for await (const sized of readJournal(link, asked)) {
      const { record } = sized;
      if (record.n > upTo) {
        // What a gap says of numbers up to there must be said; the rest of it is still held here.
        if (record.kind === "gap" && record.from <= upTo)
          records.push({ ...record, n: upTo, to: upTo });
        break;
      }
      records.push(record);
      bytes += sized.bytes;
      if (bytes >= PAGE_BYTES) return { records, complete: false };
    }
    return { records, complete: true };
  }).catch((error: unknown) => {
    // What came before the connection broke, or stood still, is progress all the same.
    if (records.length > 0 && isTransient(error)) return { records, complete: false };
    throw error;
  });
}
