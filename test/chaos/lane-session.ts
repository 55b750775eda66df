import { type Client, problemOf } from "./client.js";
import type { Incident } from "./incident.js";
import { Interpreter } from "./interpreter.js";
import type { RunLog } from "./run-log.js";

/** Of how many earlier runs of a session everything is read again. */
const EARLIER_RUNS = 3;

/** A session of a lane, as long as it lives: what was done to it, and what is known of it. */
export class LaneSession {
  readonly interpreter = new Interpreter();
  /** Each with how many runs it has ended so far. */
  readonly incidents = new Map<Incident, number>();
  /** The latest runs of earlier batches. */
  earlier: RunLog[] = [];
  readonly notes: string[] = [];
  batch = 0;
  /** Characters of events, all runs together. */
  size = 0;
  /** Why it has ended, when it has. */
  end: string | undefined;

  private constructor(
    readonly id: string,
    readonly sandboxId: string,
    private readonly protections: string[],
  ) {
    this.note(`session ${id} is sandbox ${sandboxId}`);
  }

  /** Makes the session, however often it takes. */
  static async make(client: Client, id: string): Promise<LaneSession> {
    const { status, text } = await client.insist("PUT", `/sessions/${id}`, { body: {} });
    if (status !== 200 && status !== 201) throw new Error(`no session: ${status} ${text}`);
    const view = JSON.parse(text) as { sandbox_id: string; isolation: { protections: string[] } };
    return new LaneSession(id, view.sandbox_id, view.isolation.protections);
  }

  has(protection: string | undefined): boolean {
    return protection === undefined || this.protections.includes(protection);
  }

  note(text: string): void {
    this.notes.push(`${new Date().toISOString()} ${text}`);
  }

  /** Something is about to be done to it. */
  happens(incident: Incident): void {
    this.incidents.set(incident, 0);
  }

  /** Finds out whether it has ended. */
  async look(client: Client): Promise<void> {
    const { status, text } = await client.insist("GET", `/sessions/${this.id}`);
    if (status === 200) return;
    const { code, detail } = problemOf(text);
    this.note(`the session is gone: ${status} ${code}: ${detail}`);
    this.end = /has ended: (\w+)/.exec(detail)?.[1] ?? `${status} ${code}`;
  }

  /** A batch begins: forgets what can have no consequences any more. */
  beginBatch(runs: readonly { id: string }[]): void {
    this.batch += 1;
    this.note(`batch ${this.batch}: ${runs.map(({ id }) => id).join(", ")}`);
    for (const [incident] of this.incidents) {
      const consequences = incident.lasting === true ? 1 : 0;
      const isOver = this.batch - incident.batch > consequences;
      if (isOver && incident.sessionEnds.length === 0) this.incidents.delete(incident);
    }
  }

  /** A batch was judged. */
  endBatch(logs: readonly RunLog[]): void {
    this.earlier = [...this.earlier, ...logs].slice(-EARLIER_RUNS);
  }
}
