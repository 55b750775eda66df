import { setTimeout as delay } from "node:timers/promises";

import type { FeedQuery } from "./feed-query.js";
import { type FeedReader, type FeedSource, createFeedReader } from "./feed-reader.js";
import type { SizedRecord } from "./journal-decoder.js";
import type { ExecutionFinishedRecord, JournalRecord, RunStatus } from "./journal-record.js";
import { readJournal } from "./journal.js";
import { isTransient, LinkError } from "./link-error.js";
import type { SandboxLink } from "./link.js";
import type { Logger } from "./logger.js";
import { lostRun, PAST_JOURNAL } from "./lost-run.js";
import { createRecordRing } from "./record-ring.js";
import { type ExpectedRun, createRunLedger } from "./run-ledger.js";
import { createSemaphore } from "./semaphore.js";

const RING_BYTES = 8 * 1024 * 1024;
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 2_000;
/** Pages of one sandbox that are read at once: its other connections are for other calls. */
const PAGES_AT_ONCE = 4;
/** How much comes in between two looks at what all readers are past. */
const TRIM_EVERY_BYTES = 256 * 1024;
/** How long records are held for the reader of a run that was expected. */
const HOLD_MS = 10_000;
/** Size of a record that the gateway makes itself. */
const OWN_RECORD_BYTES = 1_024;

/** The one subscription to a sandbox's journal, and everybody who reads from it. */
export interface SandboxFeed {
  /** The largest number so far: a reader that starts behind it misses nothing that is still to come. */
  readonly lastNumber: number;
  /** Why the feed ended, or null. */
  readonly ended: string | null;
  /**
   * Says that this session asks for a run, before the sandbox is asked: so it ends even if nothing comes, and what
   * comes is held for 10 s for its first reader.
   */
  expect(run: ExpectedRun): void;
  /** Takes that back: the sandbox refused. */
  forget(run: string): void;
  /** The last record of a run that has ended, if it is remembered. */
  terminal(run: string): ExecutionFinishedRecord | undefined;
  /** The last records of all ended runs that are remembered, oldest first. */
  ends(): ExecutionFinishedRecord[];
  /**
   * Records behind `after`, in the order of their numbers, without loss and without duplicates, at the reader's pace.
   * What a reader has not had is held for it from this call on (within the ring; beyond it, its records come from the
   * sandbox's journal): iterate, return the iterator, or abort the signal to let go.
   * A run's reading ends behind its last record; the others end with the feed.
   * @throws what the feed was closed with; LinkError when the sandbox broke the protocol; the signal's reason
   */
  read(query: FeedQuery): AsyncIterableIterator<JournalRecord, undefined>;
  /**
   * The sandbox is gone: makes the last record of every run without one (those that were expected, those that are
   * being read, and those that began), and lets all readers end. Idempotent.
   */
  end(how: FeedEnd): void;
  /** Stops following a sandbox that lives on; readers fail with the reason, a LinkError when absent. Idempotent. */
  close(reason?: Error): void;
}

/** How runs end that the end of their sandbox cuts off. */
export interface FeedEnd {
  status: RunStatus;
  reason: string;
}

export interface OpenSandboxFeedOptions {
  link: SandboxLink;
  /** Follow the journal behind this number, 0 when absent. Ends of runs up to here are not noticed. */
  after?: number;
  /** Sees every record as it comes in, the feed's own included, before any reader does. */
  onRecord?(record: JournalRecord): void;
  /** The sandbox broke the protocol; the feed ends itself with `sandbox_lost`. Destroy the sandbox. */
  onFailure?(error: unknown): void;
  /** Whether the session asked for a run that was not expected on this feed; records of others are dropped. */
  knownRun?(run: string): boolean;
  /** How runs ended that an earlier gateway saw end. */
  ended?: Iterable<ExecutionFinishedRecord>;
  /** Bytes of recent records held while readers lag; 8 MiB when absent. */
  ringBytes?: number;
  logger?: Logger | undefined;
}

/** Follows a sandbox's journal from now on, through broken connections, until it ends or is closed. */
export function openSandboxFeed(options: OpenSandboxFeedOptions): SandboxFeed {
  const { link, logger } = options;
  const start = options.after ?? 0;
  const ledger = createRunLedger(
    start,
    (run) => options.knownRun?.(run) ?? false,
    options.ended ?? [],
  );
  const ring = createRecordRing(start, options.ringBytes ?? RING_BYTES);
  const pages = createSemaphore(PAGES_AT_ONCE);
  const readers = new Set<FeedReader>();
  const stop = new AbortController();
  let position = start;
  let heard = start;
  let ended: string | null = null;
  let untrimmed = 0;

  /** Where the records of runs begin that were expected and have no reader yet. */
  const holds = new Map<string, { n: number; timer: NodeJS.Timeout }>();
  const unhold = (run: string) => {
    clearTimeout(holds.get(run)?.timer);
    holds.delete(run);
  };

  const trim = () => {
    untrimmed = 0;
    let slowest = position;
    for (const { n } of holds.values()) slowest = Math.min(slowest, n);
    for (const reader of readers) slowest = Math.min(slowest, reader.cursor);
    ring.trim(slowest);
  };

  const tell = (record: JournalRecord) => {
    try {
      options.onRecord?.(record);
    } catch (error) {
      logger?.error({ sandbox_id: link.sandboxId, err: error }, "a record was not taken in");
    }
  };

  const publish = ({ record, bytes }: SizedRecord) => {
    position = record.n;
    const admitted = ledger.admit(record, true);
    if (admitted === null) return;
    ring.push({ record: admitted, bytes });
    tell(admitted);
    untrimmed += bytes;
    if (untrimmed > TRIM_EVERY_BYTES || readers.size === 0) trim();
    for (const reader of readers) reader.wake();
  };

  const follow = async (): Promise<void> => {
    let retryMs = FIRST_RETRY_MS;
    while (!stop.signal.aborted) {
      try {
        await link.connected(stop.signal);
        const query = { after: position, follow: true, signal: stop.signal };
        for await (const sized of readJournal(link, query)) {
          retryMs = FIRST_RETRY_MS;
          heard = sized.record.n;
          publish(sized);
        }
      } catch (error) {
        if (!isTransient(error)) throw error;
        logger?.debug({ sandbox_id: link.sandboxId, err: error }, "the journal broke off");
        await delay(retryMs, undefined, { signal: stop.signal, ref: false });
        retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
      }
    }
  };

  const end = ({ status, reason }: FeedEnd) => {
    if (ended !== null || stop.signal.aborted) return;
    ended = reason;
    for (const { run } of readers)
      if (run !== undefined && ledger.knows(run)) ledger.expect({ run });
    for (const run of ledger.open()) {
      const n = Math.max(position + 1, PAST_JOURNAL);
      const record = lostRun(run, { n, status, reason });
      publish({ record, bytes: OWN_RECORD_BYTES });
    }
    release();
  };

  const release = (reason?: Error) => {
    stop.abort(reason ?? new LinkError("sandbox_unreachable", "the feed was closed"));
    for (const run of holds.keys()) unhold(run);
    for (const reader of readers) reader.wake();
  };

  follow().catch((error: unknown) => {
    if (stop.signal.aborted) return;
    logger?.warn({ sandbox_id: link.sandboxId, err: error }, "the feed failed");
    end({ status: "kernel_died", reason: "sandbox_lost" });
    options.onFailure?.(error);
  });

  const source: FeedSource = {
    link,
    ledger,
    ring,
    pages,
    stopped: stop.signal,
    get position() {
      return position;
    },
    get heard() {
      return heard;
    },
    get ended() {
      return ended;
    },
  };

  return {
    get lastNumber() {
      return position;
    },
    get ended() {
      return ended;
    },
    expect: (run) => {
      ledger.expect(run);
      unhold(run.run);
      const timer = setTimeout(() => unhold(run.run), HOLD_MS).unref();
      if (!stop.signal.aborted) holds.set(run.run, { n: position, timer });
    },
    forget: (run) => {
      ledger.forget(run);
      unhold(run);
    },
    terminal: (run) => ledger.terminal(run),
    ends: () => ledger.ends(),
    read: (query) => {
      const reader = createFeedReader(source, query, (released) => {
        readers.delete(released);
        trim();
      });
      if (query.signal?.aborted !== true) readers.add(reader);
      if (query.run !== undefined) unhold(query.run);
      return reader.records;
    },
    end,
    close: release,
  };
}
