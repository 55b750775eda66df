import { setTimeout as delay } from "node:timers/promises";

import { type FeedQuery, isLast, matches } from "./feed-query.js";
import { type JournalPage, readPage } from "./journal-page.js";
import type { JournalRecord } from "./journal-record.js";
import { KerneldError } from "./kerneld-error.js";
import { LinkError, isTransient } from "./link-error.js";
import type { SandboxLink } from "./link.js";
import type { RecordRing } from "./record-ring.js";
import type { RunLedger } from "./run-ledger.js";
import { createRunsClient } from "./runs.js";
import type { Semaphore } from "./semaphore.js";

const RETRY_MS = 250;

/** What a reader reads from. */
export interface FeedSource {
  readonly link: SandboxLink;
  readonly ledger: RunLedger;
  readonly ring: RecordRing;
  /** Places for pages that are being read. */
  readonly pages: Semaphore;
  /** Aborted when the feed ends or is closed, then with what readers are to fail with. */
  readonly stopped: AbortSignal;
  readonly position: number;
  /** The largest number that the sandbox itself has given. */
  readonly heard: number;
  readonly ended: string | null;
}

/** One reader of a feed. */
export interface FeedReader {
  /** Everything up to this number was handed out, or is of no interest to this reader. */
  readonly cursor: number;
  /** The run that it reads, if it reads one. */
  readonly run: string | undefined;
  /** Says that there is something new, or that the feed has ended. */
  wake(): void;
  readonly records: AsyncIterableIterator<JournalRecord, undefined>;
}

/** @param onRelease called once, when the reader is done or let go */
export function createFeedReader(
  source: FeedSource,
  query: FeedQuery,
  onRelease: (reader: FeedReader) => void,
): FeedReader {
  const { ledger, ring, link } = source;
  const letGo = new AbortController();
  let cursor = query.after;
  let wake: (() => void) | undefined;

  const release = (reason: unknown) => {
    if (letGo.signal.aborted) return;
    letGo.abort(reason);
    query.signal?.removeEventListener("abort", onAbort);
    onRelease(reader);
    wake?.();
  };
  const onAbort = () => release(query.signal?.reason);
  query.signal?.addEventListener("abort", onAbort, { once: true });

  const news = () =>
    new Promise<void>((resolve) => {
      wake = () => {
        wake = undefined;
        resolve();
      };
    });

  /** A page from the sandbox's journal, through broken connections; null when the feed stopped meanwhile. */
  const page = async (upTo: number): Promise<JournalPage | null> => {
    const signal = AbortSignal.any([letGo.signal, source.stopped]);
    for (;;) {
      try {
        const leave = await source.pages.acquire(signal);
        try {
          return await readPage(link, { ...query, after: cursor }, upTo, signal);
        } finally {
          leave();
        }
      } catch (error) {
        letGo.signal.throwIfAborted();
        if (source.stopped.aborted) return null;
        if (!isTransient(error)) throw error;
        await delay(RETRY_MS, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  };

  /** Records that the ring no longer has, from the sandbox's journal. */
  async function* older(): AsyncGenerator<JournalRecord, void, undefined> {
    while (cursor < ring.floor && !source.stopped.aborted) {
      const upTo = ring.floor;
      const read = await page(upTo);
      if (read === null) return;
      for (const record of read.records) {
        cursor = Math.max(cursor, record.n);
        const passed = ledger.admit(record, false);
        if (passed !== null && matches(passed, query)) yield passed;
      }
      if (read.complete) cursor = Math.max(cursor, upTo);
    }
  }

  /** What stands for records that went with their sandbox: a gap, and the run's last record if it is known. */
  function* lost(reason: string): Generator<JournalRecord, void, undefined> {
    const end = query.run === undefined ? undefined : ledger.terminal(query.run);
    const final = end !== undefined && end.n > cursor && end.n <= ring.floor ? end : undefined;
    const to = Math.min(final === undefined ? ring.floor : final.n - 1, source.heard);
    if (to > cursor) {
      yield { kind: "gap", n: to, at: Date.now(), from: cursor + 1, to, reason };
    }
    cursor = Math.max(cursor, ring.floor);
    if (final !== undefined) yield final;
  }

  /** Whether nothing can come any more for the run that was asked for, once the reader has caught up. */
  const isOver = async (run: string): Promise<boolean> => {
    const end = ledger.terminal(run);
    if (end !== undefined) return end.n <= cursor;
    if (ledger.isOpen(run)) return false;
    if (!ledger.knows(run)) return true;
    try {
      const known = await createRunsClient(link).get(run, { signal: letGo.signal });
      return known.state === "finished" && (known.last_n ?? 0) <= cursor;
    } catch (error) {
      // A run that kerneld has never heard of may be on its way to it.
      if (error instanceof KerneldError) return error.code === "execution_forgotten";
      if (source.stopped.aborted) return false;
      throw error;
    }
  };

  async function* read(): AsyncGenerator<JournalRecord, undefined, undefined> {
    let asked = false;
    for (;;) {
      letGo.signal.throwIfAborted();
      if (cursor < ring.floor) {
        if (source.ended === null) {
          source.stopped.throwIfAborted();
          yield* older();
        } else yield* lost(source.ended);
        continue;
      }
      if (query.run !== undefined && !asked && cursor >= source.position) {
        asked = true;
        if (await isOver(query.run)) return;
        continue;
      }
      const record = ring.after(cursor);
      if (record !== undefined) {
        cursor = record.n;
        if (matches(record, query)) yield record;
      } else if (source.ended !== null) {
        return;
      } else {
        source.stopped.throwIfAborted();
        await news();
      }
    }
  }

  async function* untilLast(): AsyncGenerator<JournalRecord, undefined, undefined> {
    try {
      for await (const record of read()) {
        yield record;
        if (isLast(record, query)) return;
      }
    } finally {
      release(undefined);
    }
  }

  const generator = untilLast();
  const reader: FeedReader = {
    get cursor() {
      return cursor;
    },
    run: query.run,
    wake: () => wake?.(),
    records: {
      next: () => generator.next(),
      return: async () => {
        release(new LinkError("sandbox_unreachable", "the reader was let go"));
        return generator.return(undefined).catch(() => ({ done: true, value: undefined }));
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    },
  };
  if (query.signal?.aborted === true) onAbort();
  return reader;
}
