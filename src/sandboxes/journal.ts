import { type CallOptions, refused, withQuery } from "./call.js";
import { createFrameParser } from "./frame-parser.js";
import { type SizedRecord, createJournalDecoder } from "./journal-decoder.js";
import type { JournalRecord } from "./journal-record.js";
import { LinkError, violation } from "./link-error.js";
import type { SandboxLink } from "./link.js";
import { kernelId, runId } from "./untrusted.js";

const ANSWER_WITHIN_MS = 15_000;
/** How long a frame that has begun may take to arrive, not counting what a slow consumer takes. */
const FRAME_WITHIN_MS = 30_000;
/** How long records are made, and taken in by the consumer, before other sandboxes have their turn. */
const WORK_A_TURN_MS = 1;
/** setTimeout's longest: a journal that is followed may be quiet as long as it likes. */
const FOREVER_MS = 2 ** 31 - 1;

/** Which part of the journal to read. */
export interface JournalQuery extends Pick<CallOptions, "signal"> {
  /** Records with larger numbers; 0 for all that are kept. */
  after: number;
  /** Go on as records are made. */
  follow: boolean;
  run?: string | undefined;
  kernel?: string | undefined;
}

/** The journal. */
export interface JournalClient {
  /**
   * Validated records in the order of their numbers, at the consumer's pace. Gaps are records of their own.
   * @throws LinkError, KerneldError, the signal's reason, while iterating
   */
  journal(query: JournalQuery): AsyncIterable<JournalRecord>;
}

export function createJournalClient(link: SandboxLink): JournalClient {
  return {
    async *journal(query) {
      for await (const { record } of readJournal(link, query)) yield record;
    },
  };
}

/** The journal's records with their sizes. Errors as {@link JournalClient.journal}. */
export async function* readJournal(
  link: SandboxLink,
  query: JournalQuery,
): AsyncGenerator<SizedRecord, void, undefined> {
  const { signal } = query;
  const { status, body, ...answer } = await link.request({
    method: "GET",
    path: journalPath(query),
    answerWithinMs: ANSWER_WITHIN_MS,
    idempotent: true,
    signal,
  });
  if (status !== 200) throw await refused({ status, body, ...answer });

  const parser = createFrameParser();
  const decoder = createJournalDecoder(query.after);
  let patienceMs = FRAME_WITHIN_MS;
  try {
    for (;;) {
      const asked = performance.now();
      const mayBeQuiet = query.follow && !parser.partial;
      const chunks = await body.read(mayBeQuiet ? FOREVER_MS : patienceMs);
      if (chunks === null) break;
      let turnBegan = performance.now();
      patienceMs = mayBeQuiet ? FRAME_WITHIN_MS : patienceMs - (performance.now() - asked);
      if (patienceMs <= 0) throw new LinkError("sandbox_unresponsive", "a frame came too slowly");
      for (const chunk of chunks) {
        for (const frame of parser.push(chunk)) {
          patienceMs = FRAME_WITHIN_MS;
          yield decoder.decode(frame);
          if (performance.now() - turnBegan < WORK_A_TURN_MS) continue;
          await body.turn();
          turnBegan = performance.now();
        }
      }
    }
    if (parser.partial) throw violation("a journal that ends within a frame");
    if (query.follow) {
      throw new LinkError("sandbox_unreachable", "kerneld ended a journal that is followed");
    }
  } catch (error) {
    if (error instanceof LinkError && error.code === "sandbox_protocol_violation") {
      link.events.emit("violation", error);
    }
    throw error;
  } finally {
    body.close();
  }
}

function journalPath({ after, follow, run, kernel }: JournalQuery): string {
  if (!Number.isSafeInteger(after) || after < 0)
    throw new RangeError("after must be a number of the journal");
  return withQuery("/journal", {
    after,
    follow: follow ? 1 : 0,
    run: run === undefined ? undefined : runId.parse(run),
    kernel: kernel === undefined ? undefined : kernelId.parse(kernel),
  });
}
