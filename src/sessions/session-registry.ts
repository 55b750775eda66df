import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { FastifyBaseLogger } from "fastify";
import { HotcellError } from "../errors.js";
import type { LimitRequest, Runtime, SandboxImage } from "../runtimes/runtime.js";
import type { Enrolment } from "../sandboxes/hello.js";
import { makeId, makeSandboxId } from "./id.js";
import { optionsDigest, type SessionRecord, type SessionRecordStore } from "./session-record.js";
import type { SessionOptions } from "./session-options.js";
import type { SessionState, SessionView } from "./session-view.js";
import type { EndReason } from "./end-reason.js";
import type { SessionIdentity } from "./session-identity.js";
import { Session } from "./session.js";
import { EndedSessions } from "./ended-sessions.js";

/** An image that sessions can name. */
export interface SessionImage {
  image: SandboxImage;
  /** Languages whose kernels start with a session that does not say. */
  languages: string[];
}

export interface RegistryOptions {
  runtime: Runtime;
  images: ReadonlyMap<string, SessionImage>;
  defaultImage: string;
  records: SessionRecordStore;
  linksDirectory: string;
  maxSessions: number;
  defaults: {
    idle_s: number;
    ttl_s?: number | undefined;
    timeout_s: number;
    grace_s: number;
    start_timeout_s: number;
  };
  log: FastifyBaseLogger;
  /** Told how many sessions there are, each time that one is made or has ended. */
  onCount?: (sessions: number) => void;
}

export interface SessionFilter {
  state?: SessionState | undefined;
  metadata: Record<string, string>;
  cursor?: string | undefined;
  limit: number;
}

const keyOf = (tenant: string, id: string): string => `${tenant}\0${id}`;

/** The sessions of this gateway, each tenant's apart. */
export class SessionRegistry {
  readonly #sessions = new Map<string, Session>();
  readonly #bySandbox = new Map<string, Session>();
  readonly #ended = new EndedSessions();
  readonly #unwatch: () => void;
  #closed = false;

  constructor(private readonly options: RegistryOptions) {
    this.#unwatch = options.runtime.watch((event) => {
      this.#bySandbox.get(event.sandboxId)?.sandboxEvent(event);
    });
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
    if (known.identity.optionsDigest !== immutableDigest(options)) {
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
    const reason = session?.reason ?? this.#ended.reasonOf(keyOf(tenant, id));
    if (reason !== undefined) {
      throw new HotcellError("session_ended", `The session ${id} has ended: ${reason}`);
    }
    throw new HotcellError("session_not_found", `There is no session ${id}`);
  }

  async list(
    tenant: string,
    filter: SessionFilter,
  ): Promise<{ sessions: SessionView[]; next_cursor: string | null }> {
    const position = filter.cursor === undefined ? undefined : decodeCursor(filter.cursor);
    const matching = [...this.#sessions.values()]
      .filter((session) => session.tenant === tenant)
      .filter((session) => filter.state === undefined || session.state === filter.state)
      .filter((session) =>
        Object.entries(filter.metadata).every(
          ([name, value]) =>
            Object.hasOwn(session.identity.metadata, name) &&
            session.identity.metadata[name] === value,
        ),
      )
      .map((session) => ({ session, at: `${session.createdAt.toISOString()} ${session.id}` }))
      .filter(({ at }) => position === undefined || at < position)
      .sort((one, other) => (one.at < other.at ? 1 : -1));
    const page = matching.slice(0, filter.limit);
    const last = page.at(-1);
    return {
      sessions: await Promise.all(page.map(({ session }) => session.view({ fresh: false }))),
      next_cursor:
        last !== undefined && matching.length > page.length
          ? Buffer.from(last.at).toString("base64url")
          : null,
    };
  }

  /** Ends a session; resolves when nothing is left of it. Throws as `get` does. */
  async end(tenant: string, id: string, reason: EndReason): Promise<void> {
    const session = this.#sessions.get(keyOf(tenant, id));
    await (session ?? this.get(tenant, id)).end(reason);
  }

  /** Refuses new sessions and ends all there are. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(
      [...this.#sessions.values()].map((session) => session.end("gateway_stopped")),
    );
    this.#unwatch();
  }

  #make(tenant: string, id: string, options: SessionOptions): Session {
    if (this.#closed)
      throw new HotcellError("shutting_down", "The gateway is stopping: try again later");
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
    const identity = this.#identity(tenant, id, options);
    const session = new Session(identity, {
      runtime: this.options.runtime,
      linksDirectory: this.options.linksDirectory,
      startTimeoutMs: this.options.defaults.start_timeout_s * 1000,
      log: this.options.log,
      onEnrol: (enrolled, enrolment) => this.options.records.put(recordOf(enrolled, enrolment)),
      onEnded: (ended, reason) => this.#forget(ended, reason),
    });
    this.#sessions.set(key, session);
    this.#bySandbox.set(session.sandboxId, session);
    this.options.onCount?.(this.live);
    return session;
  }

  async #forget(session: Session, reason: EndReason): Promise<void> {
    const key = keyOf(session.tenant, session.id);
    this.#bySandbox.delete(session.sandboxId);
    if (this.#sessions.get(key) === session) this.#sessions.delete(key);
    if (reason !== "start_failed") this.#ended.add(key, reason);
    await this.options.records.remove(session.sandboxId);
    await rm(join(this.options.linksDirectory, session.sandboxId), {
      recursive: true,
      force: true,
    });
    this.options.onCount?.(this.live);
  }

  #identity(tenant: string, id: string, options: SessionOptions): SessionIdentity {
    const { defaults, runtime } = this.options;
    const name = options.image ?? this.options.defaultImage;
    const image = this.options.images.get(name);
    if (!image) {
      const known = [...this.options.images.keys()].join(", ");
      throw new HotcellError("image_not_found", `There is no image ${name}; there are: ${known}`);
    }
    if (options.runtime !== undefined && options.runtime !== runtime.name) {
      throw new HotcellError(
        "runtime_not_found",
        `This gateway runs sandboxes with ${runtime.name} only`,
      );
    }
    return {
      id,
      tenant,
      image: name,
      plan: {
        sandboxId: makeSandboxId(),
        sessionId: id,
        image: image.image,
        limits: limitRequest(options.limits),
        isolation: options.isolation ?? "standard",
        env: options.env ?? {},
        cwd: options.cwd ?? null,
        languages: options.kernels ?? image.languages,
        files: (options.files ?? []).map(({ path, content, content_base64 }) => ({
          path,
          bytes: Buffer.from(
            content ?? content_base64 ?? "",
            content === undefined ? "base64" : "utf8",
          ),
        })),
      },
      lifetime: {
        ttl_s: options.lifetime?.ttl_s ?? defaults.ttl_s ?? null,
        idle_s: options.lifetime?.idle_s ?? defaults.idle_s,
      },
      metadata: options.metadata ?? {},
      defaults: { timeout_s: defaults.timeout_s, grace_s: defaults.grace_s },
      optionsDigest: immutableDigest(options),
    };
  }
}

/** The limits that were asked for: the runtime enforces these or refuses, its defaults may degrade and say so. */
function limitRequest(limits: SessionOptions["limits"]): LimitRequest {
  const asked = {
    cpu: limits?.cpu,
    gpu: limits?.gpu,
    memoryBytes: limits?.memory_bytes,
    pids: limits?.pids,
    diskBytes: limits?.disk_bytes,
  };
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
}

function immutableDigest(options: SessionOptions): string {
  return optionsDigest({ ...options, metadata: undefined });
}

function recordOf(session: Session, enrolment: Enrolment): SessionRecord {
  return {
    version: 1,
    tenant: session.tenant,
    id: session.id,
    sandbox_id: session.sandboxId,
    created_at: session.createdAt.toISOString(),
    options_sha256: session.identity.optionsDigest,
    metadata: session.identity.metadata,
    lifetime: session.identity.lifetime,
    enrolment: { key: enrolment.key, boot: enrolment.boot },
  };
}

function decodeCursor(cursor: string): string {
  const text = Buffer.from(cursor, "base64url").toString("utf8");
  if (/^\d{4}-\d\d-\d\dT[\d:.]+Z \S{1,128}$/.test(text)) return text;
  throw new HotcellError("invalid_request", "cursor: is not one that a list has given", {
    errors: [{ path: "cursor", message: "is not one that a list has given" }],
  });
}
