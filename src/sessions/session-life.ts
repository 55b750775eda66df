import { HotcellError } from "../errors.js";
import type { EndReason } from "./end-reason.js";
import { clientError } from "./sandbox-error.js";
import type { SessionState } from "./session-view.js";

/** A sandbox of an earlier gateway that has not dialled after this long counts as unresponsive. */
const RETURN_WITHIN_MS = 10_000;

/** An unresponsive sandbox is given this long to come back. */
const UNRESPONSIVE_GRACE_MS = 30_000;

/** Why nothing more is asked of a session that goes on with the next gateway. */
export const DETACHED = new HotcellError(
  "shutting_down",
  "The gateway is stopping; the session goes on, and the next gateway takes it over",
);

/** Where a session is between its start and its end, and so what may be asked of it. */
export class SessionLife {
  #state: SessionState = "starting";
  #reason: EndReason | undefined;
  #detached = false;
  #unresponsive: NodeJS.Timeout | undefined;

  /** @param onGivenUp called when an unresponsive sandbox has not come back in its time */
  constructor(
    private readonly id: string,
    private readonly onGivenUp: () => void,
  ) {}

  get state(): SessionState {
    return this.#state;
  }

  /** Why it ends or has ended. */
  get reason(): EndReason | undefined {
    return this.#reason;
  }

  /** Whether it can still be used, or will be when it has started. */
  get live(): boolean {
    return this.#state !== "stopping" && this.#state !== "ended";
  }

  /** Its sandbox can be used for the first time. */
  started(): void {
    if (this.#state === "starting") this.#state = "running";
  }

  /** An earlier gateway has left the sandbox, which is to dial. */
  awaitReturn(): void {
    this.#state = "running";
    this.#unresponsive = setTimeout(() => this.seeLink("unresponsive"), RETURN_WITHIN_MS);
  }

  /** The state of the sandbox's link. */
  seeLink(state: string): void {
    clearTimeout(this.#unresponsive);
    if (!this.live) return;
    if (state === "unresponsive") {
      this.#state = "unresponsive";
      this.#unresponsive = setTimeout(this.onGivenUp, UNRESPONSIVE_GRACE_MS);
    } else if (state === "up") this.#state = "running";
  }

  /** Nothing more begins. */
  stop(reason: EndReason): void {
    this.#state = "stopping";
    this.#reason = reason;
    clearTimeout(this.#unresponsive);
  }

  /** As `stop`, for a session that goes on with the next gateway. */
  detach(): void {
    this.#detached = true;
    this.stop("gateway_stopped");
  }

  /** Nothing is left of it. */
  end(): void {
    this.#state = "ended";
  }

  /** @throws `session_ended`, or `sandbox_unresponsive` */
  assertUsable(): void {
    this.assertLive();
    if (this.#state !== "unresponsive") return;
    throw new HotcellError(
      "sandbox_unresponsive",
      "The session's sandbox has not answered for 10 seconds",
    );
  }

  /** @throws `session_ended` */
  assertLive(): void {
    if (!this.live) throw this.endError();
  }

  /** What is said to whoever comes too late. */
  endError(): HotcellError {
    if (this.#detached) return DETACHED;
    return new HotcellError(
      "session_ended",
      `The session ${this.id} has ended: ${this.#reason ?? "unknown"}`,
    );
  }

  /** Waits for the sandbox; throws what clients may be told, which is the session's end when that is why it failed. */
  async ask<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.assertLive();
      throw clientError(error);
    }
  }

  /** As `ask`, for what must not be repeated: that the gateway is stopping is no answer to it. */
  async tell<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (!this.#detached) this.assertLive();
      throw clientError(error);
    }
  }
}
