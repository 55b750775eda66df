import type { ExecutionEvent } from "../../src/kernels/event.js";
import { type Client, isTransient } from "./client.js";
import { cancelled, type Incident } from "./incident.js";
import type { LaneSession } from "./lane-session.js";
import type { PlannedReader } from "./plan.js";
import { Reading, type ReadingEnd } from "./reading.js";
import { followEventStream } from "./readers/event-stream.js";
import { executionsPath, type Follow } from "./readers/follower.js";
import { gather } from "./readers/gatherer.js";
import { followSocket } from "./readers/socket.js";
import type { Report } from "./report.js";
import type { RunLog } from "./run-log.js";

/** Far beyond what any run takes on any machine. */
const TIMEOUT_S = 600;

const FOLLOW: Record<PlannedReader["transport"], Follow> = {
  events: followEventStream,
  socket: followSocket,
  gathered: gather,
};

const PATIENT_READER: PlannedReader = { transport: "events", drops: [], slownessMs: 0 };

/** Submits runs to a session, and has them followed. */
export class Submission {
  constructor(
    private readonly client: Client,
    private readonly session: LaneSession,
    private readonly report: Report,
  ) {}

  /** Submits the runs in their order; resolves when all that follow them have had their ends. */
  async submit(logs: readonly RunLog[]): Promise<void> {
    const following: Promise<void>[] = [];
    for (const log of logs) {
      const over = this.#followAll(log);
      following.push(over);
      await Promise.race([log.acceptance, over]);
    }
    await Promise.all(following);
  }

  async #followAll(log: RunLog): Promise<void> {
    const { readers, scene, request, code, id } = log.run;
    const body = {
      code,
      timeout_s: TIMEOUT_S,
      ...scene.options,
      execution_id: id,
      ...(request?.what === "leave" ? { on_disconnect: "cancel" } : {}),
    };
    const answered = new Set<number>();
    const answers: Promise<void>[] = [];
    const onEvent = (event: ExecutionEvent): void => {
      if (event.type !== "input_request" || answered.has(event.n)) return;
      const value = scene.answers?.[answered.size] ?? "";
      answered.add(event.n);
      answers.push(this.#answer(log, value));
    };
    const follow = (name: string, reader: PlannedReader, submits: boolean): Promise<ReadingEnd> =>
      this.#follow(log, name, reader, submits ? body : undefined, onEvent);

    const [submitter, ...others] = readers;
    const first = follow("submitter", submitter, true);
    await Promise.race([log.acceptance, first]);
    const requested = this.#request(log);
    const ends = await Promise.all([
      first,
      ...others.map((reader, index) =>
        follow(`reader ${index + 1}`, reader, reader.transport === "gathered"),
      ),
    ]);
    if (ends.some(({ kind }) => kind === "left") || !log.finished) {
      await follow("successor", PATIENT_READER, false);
    }
    log.settle();
    await Promise.all([requested, ...answers]);
  }

  async #follow(
    log: RunLog,
    name: string,
    reader: PlannedReader,
    submission: Record<string, unknown> | undefined,
    onEvent: (event: ExecutionEvent) => void,
  ): Promise<ReadingEnd> {
    const reading = new Reading(`${name} (${reader.transport})`);
    log.readings.push(reading);
    const { client, session } = this;
    const follow = FOLLOW[reader.transport];
    const about = { client, session: session.id, log, reading, reader, submission, onEvent };
    const end = await follow(about);
    reading.end = end;
    const how = end.kind === "gone" ? `gone: ${end.problem.code}: ${end.problem.detail}` : end.kind;
    log.note(`${reading.name}: ${how}`);
    return end;
  }

  /** Answers a question once: when it is not known whether the answer arrived, what the run has said since tells. */
  async #answer(log: RunLog, value: string): Promise<void> {
    const path = executionsPath(this.session.id, log.run.id);
    const pause = this.client.patience();
    for (;;) {
      try {
        const { status } = await this.client.call("POST", `${path}/input`, { body: { value } });
        log.note(`its question was answered: ${status}`);
        if (!isTransient(status)) return;
      } catch (error) {
        log.note(`its answer may be lost: ${(error as Error).message}`);
      }
      await pause();
      const { status, text } = await this.client.insist("GET", path);
      if (status !== 200 || text.includes(value)) return;
    }
  }

  /** What a client asks for in the midst of the run. */
  async #request(log: RunLog): Promise<void> {
    const { request } = log.run;
    if (request === undefined) return;
    const { what } = request;
    const incident: Incident = {
      what,
      batch: this.session.batch,
      run: log.run.id,
      sessionEnds: [],
      ends: [cancelled("cancelled")],
    };
    if (what === "interrupt") {
      incident.ends.push({ status: "interrupted", state: "kept", complete: false });
    }
    this.session.happens(incident);
    // Leaving is the submitter's part.
    if (what === "leave") return;
    await log.reached(request.atEvent);
    const path = executionsPath(this.session.id, log.run.id);
    const { status } = await (what === "interrupt"
      ? this.client.insist("POST", `${path}/interrupt`)
      : this.client.insist("DELETE", path));
    log.note(`${what} was answered ${status}`);
    this.report.fault(`run ${what === "interrupt" ? "interrupted" : "cancelled"}`);
  }
}
