import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunLog } from "./run-log.js";

/** How many of a run's events a transcript shows from its beginning and from its end. */
const SHOWN = 40;

/** Writes down all that is known of a batch in which something went wrong. Returns where. */
export async function writeTranscript(
  directory: string,
  logs: readonly RunLog[],
  notes: readonly string[],
): Promise<string> {
  const bad = logs.find(({ violations }) => violations.length > 0);
  const file = join(directory, `${bad?.run.id ?? "batch"}.txt`);
  await writeFile(file, [...notes, ...logs.map(runText)].join("\n\n"));
  return file;
}

function runText(log: RunLog): string {
  const { run, events } = log;
  const shown =
    events.length <= 2 * SHOWN ? events : [...events.slice(0, SHOWN), ...events.slice(-SHOWN)];
  return [
    `━━━ ${run.id}: ${run.kind}${log.violations.length > 0 ? " — VIOLATED" : ""}`,
    ...log.violations.map((text) => `! ${text}`),
    `options ${JSON.stringify(run.scene.options ?? {})}, request ${JSON.stringify(run.request ?? null)}`,
    run.code,
    `── readers`,
    ...run.readers.map((reader) => JSON.stringify(reader)),
    ...log.readings.map(
      ({ name, numbers, gaps, end, resumes }) =>
        `${name}: ${numbers.length} events ${numbers[0] ?? ""}…${numbers.at(-1) ?? ""}, ${resumes} resumes, gaps ${JSON.stringify(gaps)}, end ${JSON.stringify(end ?? null)}`,
    ),
    `── notes`,
    ...log.notes,
    `── ${events.length} events`,
    ...shown.map((event) => JSON.stringify(event).slice(0, 500)),
  ].join("\n");
}
