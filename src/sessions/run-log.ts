import { readFileSync } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { type ExecutionFinishedRecord, executionFinished } from "../sandboxes/journal-record.js";
import { lostRun, PAST_JOURNAL } from "../sandboxes/lost-run.js";
import type { FeedEnd } from "../sandboxes/sandbox-feed.js";
import { kernelId, runId } from "../sandboxes/untrusted.js";

/** Lines of one file before another begins; two are kept. */
const MOST_LINES = 4_096;

const lineSchema = z.union([
  z.strictObject({ run: runId, kernel: kernelId }),
  z.strictObject({ end: executionFinished }),
]);

/** A run that was accepted, or was about to be. */
export interface AcceptedRun {
  run: string;
  kernel: string;
}

/** What a run log says. */
export interface LoggedRuns {
  /** Runs without an end. */
  open: AcceptedRun[];
  /** The last records of runs, oldest first. */
  ended: ExecutionFinishedRecord[];
}

/**
 * Which runs of a session were accepted, and how they ended: with it the end of each can be told when the gateway is
 * killed and the sandbox is lost before the next one has found it.
 */
export interface RunLog {
  /** Resolves when this would survive the gateway's process. */
  accepted(run: AcceptedRun): Promise<void>;
  ended(record: ExecutionFinishedRecord): Promise<void>;
  /** Idempotent; what was under way is written. */
  close(): Promise<void>;
  /** Closes it, and removes its files. */
  remove(): Promise<void>;
}

const earlier = (path: string): string => `${path}.earlier`;

/** Appends to the log at `path`; a write that fails is thrown to whoever asked for it. */
export function openRunLog(path: string, known: LoggedRuns = { open: [], ended: [] }): RunLog {
  const unended = new Map(known.open.map((run) => [run.run, run]));
  let lines = 0;
  let file: Promise<FileHandle> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let closed: Promise<void> | undefined;

  const begin = async (): Promise<FileHandle> => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const handle = await open(path, "a", 0o600);
    const { size } = await handle.stat();
    // What a crash has cut off must not spoil the line behind it.
    if (size > 0) await handle.appendFile("\n");
    return handle;
  };

  const rotate = async (): Promise<void> => {
    await (await file)?.close();
    await rename(path, earlier(path));
    file = open(path, "w", 0o600);
    lines = unended.size;
    for (const run of unended.values()) await (await file).appendFile(`${JSON.stringify(run)}\n`);
  };

  const append = (line: object): Promise<void> => {
    if (closed !== undefined) return Promise.resolve();
    const written = last.then(async () => {
      lines += 1;
      if (lines > MOST_LINES + unended.size) await rotate();
      await (await (file ??= begin())).appendFile(`${JSON.stringify(line)}\n`);
    });
    last = written.catch(() => undefined);
    return written;
  };

  const close = (): Promise<void> =>
    (closed ??= last.then(async () => {
      await (await file?.catch(() => undefined))?.close();
    }));

  return {
    accepted: (run) => {
      unended.set(run.run, run);
      return append(run);
    },
    ended: (record) => {
      unended.delete(record.run);
      return append({ end: record });
    },
    close,
    remove: async () => {
      await close();
      await Promise.all([path, earlier(path)].map((name) => rm(name, { force: true })));
    },
  };
}

/**
 * Reads the log at `path`; lines that were not written to their end count for nothing. Synchronous, because a gateway reads
 * those of all its sessions before it listens: through the thread pool that takes ten times as long.
 */
export function readRunLog(path: string): LoggedRuns {
  const unended = new Map<string, AcceptedRun>();
  const ended = new Map<string, ExecutionFinishedRecord>();
  for (const name of [earlier(path), path]) {
    for (const line of readIfPresent(name).split("\n")) {
      const said = parseLine(line);
      if (said === undefined) continue;
      if ("end" in said) {
        unended.delete(said.end.run);
        ended.set(said.end.run, said.end);
      } else if (!ended.has(said.run)) unended.set(said.run, said);
    }
  }
  return { open: [...unended.values()], ended: [...ended.values()] };
}

/** How the runs of a log ended: those without an end as `how` says, with numbers past all others. */
export function endsOf(
  { open: unended, ended }: LoggedRuns,
  how: FeedEnd,
): ExecutionFinishedRecord[] {
  const lost = unended.map((run, index) =>
    lostRun({ ...run, generation: 0 }, { ...how, n: PAST_JOURNAL + index }),
  );
  return [...ended, ...lost];
}

function readIfPresent(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return "";
  }
}

function parseLine(line: string): z.output<typeof lineSchema> | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
