import { readFileSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeAtomically } from "../atomic-file.js";
import { type ExecutionFinishedRecord, executionFinished } from "../sandboxes/journal-record.js";
import { END_REASONS, type EndReason } from "./end-reason.js";

/** How long an ended session is answered with its reason, and its executions with how they ended. */
const REMEMBERED_MS = 10 * 60_000;
const MOST_REMEMBERED = 10_000;
/** Executions of one session, the latest. */
const MOST_RUNS = 512;

const storySchema = z.strictObject({
  version: z.literal(1),
  tenant: z.string(),
  id: z.string(),
  reason: z.enum(END_REASONS as [EndReason, ...EndReason[]]),
  ended_at: z.int(),
  runs: z.array(executionFinished),
});

/** A session that has ended. */
export interface EndedSession {
  tenant: string;
  id: string;
  sandboxId: string;
  reason: EndReason;
  /** The last records of its runs, oldest first. */
  runs: ExecutionFinishedRecord[];
}

const keyOf = (tenant: string, id: string): string => `${tenant}\0${id}`;

/** Why sessions have ended, and how their executions did, for a while, whichever gateway asks; one file a session. */
export class EndedSessions {
  /** By tenant and id, the earliest end first. */
  readonly #ended = new Map<string, { reason: EndReason; until: number; path: string }>();

  constructor(private readonly directory: string) {}

  /** Finds what earlier gateways have written; what is too old or cannot be read is removed. */
  async load(): Promise<void> {
    const found: { key: string; reason: EndReason; until: number; path: string }[] = [];
    for (const name of await readdir(this.directory).catch(() => [])) {
      const path = join(this.directory, name);
      const story = readStory(path);
      const until = (story?.ended_at ?? 0) + REMEMBERED_MS;
      if (story === undefined || until < Date.now()) await rm(path, { force: true });
      else found.push({ key: keyOf(story.tenant, story.id), reason: story.reason, until, path });
    }
    for (const { key, ...ended } of found.sort((a, b) => a.until - b.until)) {
      this.#ended.set(key, ended);
    }
  }

  /** Remembers a session's end; resolves when that would survive the gateway's process. */
  async add({ tenant, id, sandboxId, reason, runs }: EndedSession): Promise<void> {
    const path = join(this.directory, `${sandboxId}.json`);
    const key = keyOf(tenant, id);
    const endedAt = Date.now();
    const before = this.#ended.get(key);
    this.#ended.delete(key);
    this.#ended.set(key, { reason, until: endedAt + REMEMBERED_MS, path });
    const story: z.input<typeof storySchema> = {
      version: 1,
      tenant,
      id,
      reason,
      ended_at: endedAt,
      runs: runs.slice(-MOST_RUNS),
    };
    await writeAtomically(path, JSON.stringify(story));
    if (before !== undefined && before.path !== path) await rm(before.path, { force: true });
    await this.#forgetOld();
  }

  reasonOf(tenant: string, id: string): EndReason | undefined {
    return this.#find(tenant, id)?.reason;
  }

  /** The last record of a run of an ended session. */
  async run(tenant: string, id: string, run: string): Promise<ExecutionFinishedRecord | undefined> {
    const ended = this.#find(tenant, id);
    const story = ended && readStory(ended.path);
    return story?.runs.find((record) => record.run === run);
  }

  #find(tenant: string, id: string): { reason: EndReason; path: string } | undefined {
    const ended = this.#ended.get(keyOf(tenant, id));
    return ended !== undefined && ended.until > Date.now() ? ended : undefined;
  }

  async #forgetOld(): Promise<void> {
    for (const [key, { until, path }] of this.#ended) {
      if (this.#ended.size <= MOST_REMEMBERED && until > Date.now()) break;
      this.#ended.delete(key);
      await rm(path, { force: true });
    }
  }
}

/** Synchronous for the start, which reads all there are before the gateway listens. */
function readStory(path: string): z.output<typeof storySchema> | undefined {
  try {
    return storySchema.safeParse(JSON.parse(readFileSync(path, "utf8"))).data;
  } catch {
    return undefined;
  }
}
