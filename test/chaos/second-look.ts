import type { Client } from "./client.js";
import type { LaneSession } from "./lane-session.js";
import { Reading } from "./reading.js";
import { followEventStream } from "./readers/event-stream.js";
import type { RunLog } from "./run-log.js";

const READER = { transport: "events" as const, drops: [], slownessMs: 0 };

/** Somebody comes when all is over, and reads everything, also of earlier runs. Returns how many readings that took. */
export async function lookAgain(
  client: Client,
  session: LaneSession,
  logs: readonly RunLog[],
): Promise<number> {
  const earlier = session.end === undefined ? session.earlier : [];
  let readings = 0;
  for (const log of [...earlier, ...logs]) {
    if (!log.accepted || log.violations.length > 0) continue;
    const { numbers } = log;
    const middle = numbers[Math.floor(numbers.length / 2)] ?? 0;
    for (const after of new Set([0, middle])) {
      await readAgain(client, session, log, after);
      readings += 1;
    }
  }
  if (session.end === undefined) await readList(client, session, logs);
  return readings;
}

async function readAgain(
  client: Client,
  session: LaneSession,
  log: RunLog,
  after: number,
): Promise<void> {
  const reading = new Reading(`late reader after ${after}`, after);
  const end = await followEventStream({
    client,
    session: session.id,
    log,
    reading,
    reader: READER,
    submission: undefined,
    onEvent: () => undefined,
  });
  reading.end = end;
  log.readings.push(reading);
  if (end.kind !== "gone") return;
  log.violation(`${reading.name} was answered ${end.status} ${end.problem.code}`);
}

/** What the list of executions says of runs must be how they ended. */
async function readList(
  client: Client,
  session: LaneSession,
  logs: readonly RunLog[],
): Promise<void> {
  const { status, text } = await client.insist("GET", `/sessions/${session.id}/executions`);
  if (status !== 200) return;
  const { executions } = JSON.parse(text) as {
    executions: { id: string; status: string | null }[];
  };
  for (const log of logs) {
    const finished = log.events.find((event) => event.type === "execution_finished");
    const listed = executions.filter(({ id }) => id === log.run.id);
    if (!log.accepted || finished === undefined) continue;
    if (listed.length !== 1 || listed[0]?.status !== finished.status) {
      log.violation(`the list says of it ${JSON.stringify(listed)}`);
    }
  }
}
