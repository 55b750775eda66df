import type { SandboxEvent, Usage } from "../runtimes/runtime.js";
import type { Enrolment } from "../sandboxes/hello.js";
import {
  type ExecutionFinishedRecord,
  isTerminal,
  type JournalRecord,
} from "../sandboxes/journal-record.js";
import { type EndReason, exitReason, runEnd } from "./end-reason.js";
import { Expiry } from "./expiry.js";
import { KernelCalls } from "./kernel-calls.js";
import { OomAttribution } from "./oom-attribution.js";
import { soon } from "./patience.js";
import { endsOf, type RunLog } from "./run-log.js";
import { adoptSandbox, type KeptSandbox } from "./sandbox-adoption.js";
import type { SandboxFacts } from "./sandbox-facts.js";
import {
  type AssignedSandbox,
  type SandboxHooks,
  type SandboxPlan,
  type SandboxServices,
  startSandbox,
} from "./sandbox-start.js";
import { SessionEvents } from "./session-events.js";
import { SessionExecutions } from "./session-executions.js";
import { SessionFiles } from "./session-files.js";
import type { SessionIdentity } from "./session-identity.js";
import { DETACHED, SessionLife } from "./session-life.js";
import type { SessionState, SessionView } from "./session-view.js";
import { sessionView } from "./session-summary.js";

export interface SessionServices extends SandboxServices {
  /** Called with the sandbox's proof of identity; resolves when it would survive the gateway. */
  onEnrol(session: Session, enrolment: Enrolment): Promise<void>;
  /** Called when its sandbox can be used; resolves when the next gateway would find it so. */
  onReady(session: Session, enrolment: Enrolment, facts: SandboxFacts): Promise<void>;
  /** Called before anybody is told that it ends; resolves when the next gateway would know of it. */
  onEnding(session: Session, reason: EndReason): Promise<void>;
  /** Called once, when nothing is left of the session, with the last records of its runs. */
  onEnded(session: Session, reason: EndReason, runs: ExecutionFinishedRecord[]): Promise<void>;
  runLog: RunLog;
}

/** Where a session's sandbox comes from: it is started, or an earlier gateway has left it. */
export type SandboxOrigin = { plan: SandboxPlan } | { kept: KeptSandbox; lastActiveAt: Date };

/** How long a view waits for what is asked for it. */
const FRESH_WITHIN_MS = 2_000;

/** One session: a sandbox, its kernels and what runs in them. */
export class Session {
  readonly files: SessionFiles;
  readonly kernels: KernelCalls;
  readonly events: SessionEvents;
  readonly executions: SessionExecutions;
  readonly expiry: Expiry;
  #assigned: AssignedSandbox | undefined;
  readonly #life: SessionLife;
  readonly #starting: Promise<AssignedSandbox>;
  readonly #stop = new AbortController();
  #ending: Promise<void> | undefined;
  readonly #oom: OomAttribution;

  constructor(
    readonly identity: SessionIdentity,
    private readonly origin: SandboxOrigin,
    private readonly services: SessionServices,
  ) {
    this.#oom = new OomAttribution("kept" in origin);
    this.#life = new SessionLife(identity.id, () => void this.end("sandbox_unresponsive"));
    this.executions = new SessionExecutions({
      sessionId: identity.id,
      defaults: identity.defaults,
      sandbox: () => this.running(),
      ask: (work) => this.#life.ask(work),
      tell: (work) => this.#life.tell(work),
      touch: () => this.expiry.touch(),
      onOverdue: () => void this.end("execution_overdue"),
      runLog: services.runLog,
      log: services.log,
    });
    this.expiry = new Expiry({
      createdAt: identity.createdAt,
      ...("kept" in origin ? { lastActiveAt: origin.lastActiveAt } : {}),
      ttlMs: identity.lifetime.ttl_s === null ? null : identity.lifetime.ttl_s * 1000,
      idleMs: identity.lifetime.idle_s * 1000,
      isBusy: () => this.#assigned === undefined || this.executions.open > 0,
      onExpire: (reason) => void this.end(reason),
    });
    this.files = new SessionFiles(
      async () => (await this.running()).kerneld.files,
      () => this.expiry.touch(),
    );
    this.kernels = new KernelCalls({
      tell: (work) => this.#life.tell(work),
      kernels: async () => (await this.running()).kernels,
      ask: (work) => this.#life.ask(work),
      touch: () => this.expiry.touch(),
    });
    this.events = new SessionEvents({
      sessionId: this.id,
      sandbox: () => this.running(),
      ask: (work) => this.#life.ask(work),
      reason: () => this.#life.reason,
    });
    this.#starting = "plan" in origin ? this.#start(origin.plan) : this.#adopt(origin.kept);
    // Whoever waits for the session hears of a failure; nobody may be waiting.
    this.#starting.catch(() => undefined);
  }

  get id(): string {
    return this.identity.id;
  }

  get tenant(): string {
    return this.identity.tenant;
  }

  get sandboxId(): string {
    return this.identity.sandboxId;
  }

  get state(): SessionState {
    return this.#life.state;
  }

  get reason(): EndReason | undefined {
    return this.#life.reason;
  }

  /** Whether it can still be used, or will be when it has started. */
  get live(): boolean {
    return this.#life.live;
  }

  /** Waits for the start. Throws what made it fail, `session_ended`, or `sandbox_unresponsive`. */
  async running(): Promise<AssignedSandbox> {
    this.#life.assertUsable();
    const assigned = this.#assigned ?? (await this.#started());
    this.#life.assertUsable();
    return assigned;
  }

  /**
   * As clients see it. Usage and kernels are asked for when `fresh`; a sandbox that does not answer hides neither. Usage
   * is waited for `usageWithinMs`: an engine may look at a sandbox only once a second.
   */
  async view(
    options: { fresh: boolean; usageWithinMs?: number } = { fresh: true },
  ): Promise<SessionView> {
    const { origin } = this;
    const kept = "kept" in origin ? origin.kept : undefined;
    if (options.fresh && kept && this.live) {
      await soon(this.#starting, FRESH_WITHIN_MS).catch(() => undefined);
    }
    const assigned = this.#assigned;
    let usage: Usage | null = null;
    if (options.fresh && assigned && this.live) {
      const withinMs = options.usageWithinMs ?? FRESH_WITHIN_MS;
      [, usage] = await Promise.all([
        assigned.kernels.refresh({ withinMs: FRESH_WITHIN_MS }).catch(() => undefined),
        soon(this.services.runtime.usage(this.sandboxId), withinMs).catch(() => null),
      ]);
    }
    return sessionView({
      identity: this.identity,
      runtime: this.services.runtime.name,
      state: this.state,
      reason: this.reason,
      sandbox: assigned?.facts ?? kept?.facts,
      kernels: assigned?.kernels.known ?? [],
      usage,
      createdAt: this.identity.createdAt,
      lastActiveAt: this.expiry.lastActiveAt,
      expiresAt: this.expiry.expiresAt,
    });
  }

  /** What the runtime saw happen to the sandbox. */
  sandboxEvent(event: SandboxEvent): void {
    if (event.type === "oom") this.#oom.killed(event.agoMs);
    else void this.end(exitReason({ ...event, oom: event.oom && this.#oom.endsSandbox() }));
  }

  /** Ends the session and everything in it. Idempotent: every call resolves when nothing is left. */
  end(reason: EndReason): Promise<void> {
    this.#ending ??= this.#end(reason);
    return this.#ending;
  }

  /** Removes what was written of its runs. */
  forgetRuns(): Promise<void> {
    return this.services.runLog.remove();
  }

  /**
   * Lets go of the sandbox, which lives on for the next gateway. One that is just being started ends: nobody knows of it
   * yet. Idempotent.
   */
  detach(): Promise<void> {
    if (this.state === "starting") return this.end("gateway_stopped");
    this.#ending ??= this.#detach();
    return this.#ending;
  }

  async #start(plan: SandboxPlan): Promise<AssignedSandbox> {
    let enrolled: Enrolment | undefined;
    const onEnrol = (enrolment: Enrolment): Promise<void> => {
      enrolled = enrolment;
      return this.services.onEnrol(this, enrolment);
    };
    try {
      const hooks = { ...this.#hooks, onEnrol };
      const assigned = await startSandbox(plan, this.services, hooks, this.#stop.signal);
      try {
        if (enrolled) await this.services.onReady(this, enrolled, assigned.facts);
      } finally {
        this.#use(assigned);
      }
      this.expiry.touch();
      return assigned;
    } catch (error) {
      void this.end("start_failed");
      throw error;
    }
  }

  /** Waits for the start; one that fails is told of when nothing is left of the session. */
  async #started(): Promise<AssignedSandbox> {
    try {
      return await this.#starting;
    } catch (error) {
      await this.#ending;
      if ("kept" in this.origin) this.#life.assertLive();
      throw error;
    }
  }

  async #adopt(kept: KeptSandbox): Promise<AssignedSandbox> {
    this.#life.awaitReturn();
    try {
      const assigned = await adoptSandbox(kept, this.services, this.#hooks, this.#stop.signal);
      await this.executions.adopt(assigned);
      this.#use(assigned);
      this.#life.seeLink("up");
      return assigned;
    } catch (error) {
      if (!this.#stop.signal.aborted) {
        const about = { err: error, session_id: this.id, sandbox_id: this.sandboxId };
        this.services.log.warn(about, "a sandbox of an earlier gateway cannot be used");
        void this.end("sandbox_lost");
      }
      throw error;
    }
  }

  get #hooks(): Omit<SandboxHooks, "onEnrol"> {
    return {
      onRecord: (record) => this.#seeRecord(record),
      onFailure: () => void this.end("protocol_violation"),
    };
  }

  #use(assigned: AssignedSandbox): void {
    this.#assigned = assigned;
    this.#life.started();
    assigned.link.events.on("violation", () => void this.end("protocol_violation"));
    assigned.link.events.on("state", (state) => this.#life.seeLink(state));
    if (assigned.link.state === "unresponsive") this.#life.seeLink("unresponsive");
  }

  #seeRecord(record: JournalRecord): void {
    this.executions.see(record);
    if (record.kind === "kernel" && record.event === "dead" && record.reason === "oom") {
      this.#oom.kernelDied();
    }
    if (isTerminal(record)) this.expiry.touch();
  }

  async #end(reason: EndReason): Promise<void> {
    this.#life.stop(reason);
    this.#close();
    this.#stop.abort(this.#life.endError());
    const assigned = this.#assigned ?? (await this.#starting.catch(() => this.#assigned));
    await this.#cleanUp("its record", () => this.services.onEnding(this, reason));
    assigned?.feed.end(runEnd(reason));
    await this.#cleanUp("its link", async () => assigned?.link.close());
    // A start that failed has left nothing.
    if (assigned || "kept" in this.origin) {
      await this.#cleanUp("its sandbox", () => this.services.runtime.destroy(this.sandboxId));
    }
    this.#life.end();
    const logged = "kept" in this.origin ? this.origin.kept.runs : { open: [], ended: [] };
    const ends = assigned?.feed.ends() ?? endsOf(logged, runEnd(reason));
    await this.#cleanUp("its record or directory", () => this.services.onEnded(this, reason, ends));
  }

  async #detach(): Promise<void> {
    this.#life.detach();
    this.#close();
    this.#stop.abort(DETACHED);
    const assigned = this.#assigned ?? (await this.#starting.catch(() => undefined));
    assigned?.feed.close(DETACHED);
    await assigned?.link.close({ keepDirectory: true });
    await this.services.runLog.close();
  }

  /** Nothing more begins. */
  #close(): void {
    this.expiry.close();
    this.executions.close();
  }

  /**
   * One step of the end. A step that fails is logged and keeps no other from being done: timers and the sandbox's own
   * events end sessions, too, where nobody could catch it.
   */
  async #cleanUp(what: string, step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      const about = { err: error, session_id: this.id, sandbox_id: this.sandboxId };
      this.services.log.error(about, `a session ended, but ${what} could not be removed`);
    }
  }
}
