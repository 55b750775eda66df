import type { Bench, Benchmark } from "./benchmark.js";
import { createClient, milliseconds } from "./client.js";
import { eventsOf, finishedOf } from "./events.js";
import { startGatewayProcess } from "./gateway-process.js";
import { imagesWithoutJournal } from "./journal-off.js";
import { type Session, withSession } from "./session.js";
import { median } from "./statistics.js";

const ROUNDS = 10;
const A_ROUND = 100;
const WARM_UP = 20;

const LINES = 100_000;
const PRINT_LINES = `for i in range(${LINES}): print("line", i)`;
const LINES_BYTES = Array.from({ length: LINES }, (_, line) => `line ${line}\n`).join("").length;

const BYTES = 50_000_000;
const PRINT_BYTES = `print("${"x".repeat(79)}\\n" * ${BYTES / 80}, end="")`;

/** What one journal makes of the same work. */
interface Timings {
  sum: number[];
  lines: number[];
  bytes: number[];
}

async function printing(session: Session, code: string, bytes: number): Promise<number> {
  const answer = await session.stream(code);
  const { output } = finishedOf(eventsOf(answer));
  if (output.stdout_bytes !== bytes || output.truncated) {
    throw new Error(`${output.stdout_bytes} bytes of ${bytes} were printed`);
  }
  return milliseconds(answer);
}

async function round(session: Session, { sum, lines, bytes }: Timings): Promise<void> {
  for (let done = 0; done < A_ROUND; done += 1) {
    const { text, ms } = await session.execute("1+1");
    if (text !== "2") throw new Error(`1+1 is ${text}`);
    sum.push(ms);
  }
  lines.push(await printing(session, PRINT_LINES, LINES_BYTES));
  bytes.push(await printing(session, PRINT_BYTES, BYTES));
}

/** A session whose kerneld has the journal that keeps nothing. */
async function withoutJournal(
  { image, runtime, signal }: Bench,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const images = await imagesWithoutJournal(image.reference, signal);
  try {
    const options = { signal, runtime, imagesDirectory: images.directory };
    const gateway = await startGatewayProcess(options);
    const client = createClient(gateway.url, gateway.key, signal);
    try {
      await withSession({ client }, {}, work);
    } finally {
      client.close();
      await gateway.close();
    }
  } finally {
    await images.remove();
  }
}

export const journalCost: Benchmark = {
  name: "journal-cost",
  runtimes: ["local"],
  run: async (bench) => {
    const on: Timings = { sum: [], lines: [], bytes: [] };
    const off: Timings = { sum: [], lines: [], bytes: [] };
    await withoutJournal(bench, (without) =>
      withSession(bench, {}, async (session) => {
        for (const each of [session, without]) {
          for (let done = 0; done < WARM_UP; done += 1) await each.execute("1+1");
        }
        for (let done = 0; done < ROUNDS; done += 1) {
          // Whatever the first of a round pays, each pays half of the time.
          const order = [
            { session, timings: on },
            { session: without, timings: off },
          ];
          if (done % 2 === 1) order.reverse();
          for (const each of order) await round(each.session, each.timings);
        }
      }),
    );
    const baseline = "with a journal that keeps nothing";
    return [
      {
        what: "`1+1` as JSON, with the journal",
        unit: "ms",
        samples: on.sum,
        target: { atMost: median(off.sum) + 0.3 },
        baseline: { what: baseline, samples: off.sum },
        note: "the target is the baseline + 0.3 ms",
      },
      {
        what: "100,000 `print` lines to an SSE client, with the journal",
        unit: "ms",
        samples: on.lines,
        target: { atMost: median(off.lines) * 1.1 },
        baseline: { what: baseline, samples: off.lines },
        note: "the target is the baseline + 10 %",
      },
      {
        what: "50 MB to an SSE client, with the journal",
        unit: "ms",
        samples: on.bytes,
        target: { atMost: median(off.bytes) * 1.1 },
        baseline: { what: baseline, samples: off.bytes },
        note: "the target is the baseline + 10 %",
      },
    ];
  },
};
