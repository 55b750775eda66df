import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { FastifyBaseLogger } from "fastify";
import { HotcellError } from "../errors.js";
import type { Runtime } from "../runtimes/runtime.js";
import { makeId } from "./id.js";
import type { ExecutionFinishedRecord } from "../sandboxes/journal-record.js";
import { endedExecution } from "./ended-execution.js";
import { type EndReason, runEnd } from "./end-reason.js";
import type { EndedSessions } from "./ended-sessions.js";
import type { Execution } from "./execution.js";
import { endsOf, openRunLog, readRunLog } from "./run-log.js";
import {
  identityOf,
  type KeptRecord,
  type ReadyRecord,
  recordOf,
  type SessionRecordStore,
} from "./session-record.js";
import type { SessionOptions } from "./session-options.js";
import type { SessionIdentity } from "./session-identity.js";
import { listSessions, type SessionFilter, type SessionPage } from "./session-listing.js";
import {
  immutableOptionsDigest,
  planSession,
  type SessionDefaults,
  type SessionImage,
} from "./session-plan.js";
import { type SandboxOrigin, Session } from "./session.js";

export interface RegistryOptions {
  runtime: Runtime;
  images: ReadonlyMap<string, SessionImage>;
  defaultImage: string;
  records: SessionRecordStore;
  ended: EndedSessions;
  /** Where run logs are. */
  runsDirectory: string;
  linksDirectory: string;
  maxSessions: number;
  defaults: SessionDefaults & { start_timeout_s: number };
  log: FastifyBaseLogger;
  /** Told how many sessions there are, each time that one is made or has ended. */
  onCount?: (sessions: number) => void;
}

/** How often it is noted which sessions were active. */
const NOTE_ACTIVITY_MS = 10_000;

const keyOf = (tenant: string, id: string): string => `${tenant}\0${id}`;

/** The sessions of this gateway, each tenant's apart. */
export class SessionRegistry {
  readonly #sessions = new Map<string, Session>();
  readonly #bySandbox = new Map<string, Session>();
  readonly #unwatch: () => void;
  readonly #noting: NodeJS.Timeout;
  /** When each session was active, as it is noted. */
  readonly #noted = new Map<Session, number>();
  #closed = false;

  constructor(private readonly options: RegistryOptions) {
    this.#unwatch = options.runtime.watch((event) => {
      this.#bySandbox.get(event.sandboxId)?.sandboxEvent(event);
    });
    this.#noting = setInterval(() => void this.#noteActivity(), NOTE_ACTIVITY_MS).unref();
  }

  /** Sessions that count towards the limit. */
  get live(): number {
    return this.#sessions.size;
  }

  /** Whether new sessions are refused because the gateway is stopping. */
  get closed(): boolean {
    return this.#closed;
  }

  get limit(): number {
    return this.options.maxSessions;
  }

  /** Makes a session and waits until it runs. Throws `session_exists`, `session_limit`, and what makes starts fail. */
  async create(tenant: string, id: string | undefined, options: SessionOptions): Promise<Session> {
    const session = this.#make(tenant, id ?? makeId("ses"), options);
    await session.running();
    return session;
  }

  /** The session with this id, made when it is not there. Throws `session_exists` when it was made otherwise. */
  async ensure(
    tenant: string,
    id: string,
    options: SessionOptions,
  ): Promise<{ session: Session; made: boolean }> {
    const known = this.#sessions.get(keyOf(tenant, id));
    if (known?.live !== true) {
      await known?.end("session_deleted");
      return { session: await this.create(tenant, id, options), made: true };
    }
    if (known.identity.optionsDigest !== immutableOptionsDigest(options)) {
      throw new HotcellError("session_exists", `The session ${id} exists, made with other options`);
    }
    await known.running();
    return { session: known, made: false };
  }

  /** The session with this id as it is, or a new one: options count on first use only. */
  async firstUse(tenant: string, id: string, options: SessionOptions): Promise<Session> {
    const known = this.#sessions.get(keyOf(tenant, id));
    if (known?.live === true) return known;
    await known?.end("session_deleted");
    return this.#sessions.get(keyOf(tenant, id)) ?? this.#make(tenant, id, options);
  }

  /** Throws `session_not_found`, or `session_ended` for a while after the end. */
  get(tenant: string, id: string): Session {
    const session = this.#sessions.get(keyOf(tenant, id));
    if (session?.live === true) return session;
    if (this.#closed) throw stopping();
    const reason = session?.reason ?? this.options.ended.reasonOf(tenant, id);
    if (reason !== undefined) {
      throw new HotcellError("session_ended", `The session ${id} has ended: ${reason}`);
    }
    throw new HotcellError("session_not_found", `There is no session ${id}`);
  }

  /**
   * An execution of a session, also of one that has ended: then there is a gap for what it said, and how it ended. Throws
   * as `get` does, `execution_not_found` and `execution_forgotten`.
   */
  async execution(tenant: string, id: string, execution: string): Promise<Execution> {
    const session = this.#sessions.get(keyOf(tenant, id));
    try {
      return await this.get(tenant, id).executions.get(execution);
    } catch (error) {
      if (!(error instanceof HotcellError)) throw error;
      if (!["session_ended", "execution_not_found"].includes(error.code)) throw error;
      if (session?.live === false) await session.end("session_deleted");
      const end = await this.options.ended.run(tenant, id, execution);
      if (end === undefined) throw error;
      return endedExecution(id, end);
    }
  }

  /** A page of a tenant's sessions, newest first. */
  list(tenant: string, filter: SessionFilter): Promise<SessionPage> {
    return listSessions(
      [...this.#sessions.values()].filter((session) => session.tenant === tenant),
      filter,
    );
  }

  /** Ends a session; resolves when nothing is left of it. Throws as `get` does. */
  async end(tenant: string, id: string, reason: EndReason): Promise<void> {
    const session = this.#sessions.get(keyOf(tenant, id));
    await (session ?? this.get(tenant, id)).end(reason);
  }

  /**
   * Takes up a session of an earlier gateway; it finds its sandbox by itself, or ends. Sessions over the limit are taken
   * up, too.
   */
  adopt({ record, activeAt }: KeptRecord & { record: ReadyRecord }): void {
    const runs = readRunLog(this.#runLogPath(record.sandbox_id));
    const identity = identityOf(record);
    this.#add(identity, {
      kept: {
        sandboxId: record.sandbox_id,
        enrolment: record.enrolment,
        facts: record.sandbox,
        runs,
      },
      lastActiveAt: new Date(activeAt),
    });
  }

  /** A session whose sandbox an earlier gateway has left, and which cannot be taken up. */
  async bury({ record }: KeptRecord, reason: EndReason): Promise<void> {
    const { tenant, id, sandbox_id: sandboxId } = record;
    const path = this.#runLogPath(sandboxId);
    const runs = endsOf(readRunLog(path), runEnd(reason));
    if (record.sandbox !== null)
      await this.options.ended.add({ tenant, id, sandboxId, reason, runs });
    await this.options.records.remove(sandboxId);
    await openRunLog(path).remove();
  }

  /** Ends the sessions whose sandbox is not among those that run. */
  endLost(running: ReadonlySet<string>): void {
    for (const session of this.#bySandbox.values()) {
      if (!running.has(session.sandboxId)) void session.end("sandbox_lost");
    }
  }

  /** Whether the sandbox is one of a session. */
  claims(sandboxId: string): boolean {
    return this.#bySandbox.has(sandboxId);
  }

  /** Refuses new sessions, and ends all there are, or lets go of them for the next gateway. Idempotent. */
  async close(how: { keep: boolean } = { keep: false }): Promise<void> {
    this.#closed = true;
    clearInterval(this.#noting);
    await this.#noteActivity();
    await Promise.all(
      [...this.#sessions.values()].map((session) =>
        how.keep ? session.detach() : session.end("gateway_stopped"),
      ),
    );
    this.#unwatch();
  }

  #make(tenant: string, id: string, options: SessionOptions): Session {
    if (this.#closed) throw stopping();
    const key = keyOf(tenant, id);
    if (this.#sessions.has(key)) {
      throw new HotcellError(
        "session_exists",
        `The session ${id} exists; PUT makes it or finds it`,
      );
    }
    if (this.#sessions.size >= this.options.maxSessions) {
      throw new HotcellError(
        "session_limit",
        `${this.#sessions.size} sessions are live and ${this.options.maxSessions} may be (HOTCELL_MAX_SESSIONS)`,
      );
    }
    const { identity, plan } = planSession({ tenant, id }, options, {
      ...this.options,
      runtime: this.options.runtime.name,
    });
    return this.#add(identity, { plan });
  }

  #add(identity: SessionIdentity, origin: SandboxOrigin): Session {
    const { runtime, records, log, linksDirectory, defaults } = this.options;
    const known = "kept" in origin ? origin.kept.runs : undefined;
    const session = new Session(identity, origin, {
      runtime,
      linksDirectory,
      startTimeoutMs: defaults.start_timeout_s * 1000,
      log,
      runLog: openRunLog(this.#runLogPath(identity.sandboxId), known),
      onEnrol: ({ identity: enrolled }, enrolment) =>
        records.put(recordOf(enrolled, runtime.name, enrolment, null)),
      onReady: ({ identity: ready }, enrolment, facts) =>
        records.put(recordOf(ready, runtime.name, enrolment, facts)),
      onEnding: ({ sandboxId }, reason) => records.ending(sandboxId, reason),
      onEnded: (ended, reason, runs) => this.#forget(ended, reason, runs),
    });
    this.#sessions.set(keyOf(identity.tenant, identity.id), session);
    this.#bySandbox.set(session.sandboxId, session);
    this.options.onCount?.(this.live);
    return session;
  }

  async #forget(
    session: Session,
    reason: EndReason,
    runs: ExecutionFinishedRecord[],
  ): Promise<void> {
    const { tenant, id, sandboxId } = session;
    const key = keyOf(tenant, id);
    try {
      if (reason !== "start_failed") {
        await this.options.ended.add({ tenant, id, sandboxId, reason, runs });
      }
    } finally {
      this.#noted.delete(session);
      this.#bySandbox.delete(sandboxId);
      if (this.#sessions.get(key) === session) this.#sessions.delete(key);
    }
    // In this order: a record without its runs would have the next gateway say that there were none.
    await this.options.records.remove(session.sandboxId);
    await session.forgetRuns();
    await rm(join(this.options.linksDirectory, session.sandboxId), {
      recursive: true,
      force: true,
    });
    this.options.onCount?.(this.live);
  }

  /** Notes in the records when sessions were active, where that has changed. */
  async #noteActivity(): Promise<void> {
    for (const session of this.#sessions.values()) {
      const { lastActiveAt } = session.expiry;
      if (this.#noted.get(session) === lastActiveAt.getTime()) continue;
      this.#noted.set(session, lastActiveAt.getTime());
      await this.options.records
        .touch(session.sandboxId, lastActiveAt)
        .catch((error: unknown) =>
          this.options.log.error({ err: error, session_id: session.id }, "activity was not noted"),
        );
    }
  }

  #runLogPath(sandboxId: string): string {
    return join(this.options.runsDirectory, `${sandboxId}.jsonl`);
  }
}

function stopping(): HotcellError {
  return new HotcellError("shutting_down", "The gateway is stopping: try again later");
}
