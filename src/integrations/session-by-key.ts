import { type Hotcell, HotcellError, type Session, type SessionOptions } from "../client/index.js";
import type { EventOf } from "../kernels/event.js";

/** Sessions that are remembered; the longest unused are forgotten first. */
const MOST = 10_000;

/** What is known of a session's id from the calls that were made with it. */
interface Acquaintance {
  session: Session | undefined;
  /** Code has run in it, so that a model may count on what that left. */
  used: boolean;
  /** The sandbox that has been given files, and their paths. */
  given: { sandboxId: string; paths: Set<string> } | undefined;
}

/** A file to be given to a session. */
export interface GivenFile {
  /** Below `/workspace`. */
  path: string;
  bytes: Uint8Array<ArrayBuffer>;
}

function isGone(error: unknown): error is HotcellError {
  return (
    error instanceof HotcellError &&
    (error.code === "session_not_found" || error.code === "session_ended")
  );
}

/** Sessions that are found again by ids derived from what they belong to, and made anew once they have ended. */
export class SessionByKey {
  readonly #known = new Map<string, Acquaintance>();

  constructor(private readonly client: Hotcell) {}

  /** To be called before code is sent to it. Throws as every call to the gateway does. */
  async meet(id: string, signal: AbortSignal | undefined): Promise<Acquaintance> {
    const known = this.#known.get(id) ?? (await this.#ask(id, signal));
    this.#known.delete(id);
    this.#known.set(id, known);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MOST) break;
      this.#known.delete(oldest);
    }
    return known;
  }

  /**
   * Writes files, each once for as long as the session lives: code may have changed them since. Makes the session where
   * there is none. Throws as every call to the gateway does.
   */
  async give(
    id: string,
    files: readonly GivenFile[],
    { signal, ...description }: Omit<SessionOptions, "id">,
  ): Promise<void> {
    if (files.length === 0) return;
    const known = await this.meet(id, signal);
    const session = await this.#made(id, { ...description, signal });
    const { sandbox_id: sandboxId } = session.view;
    if (known.given?.sandboxId !== sandboxId) known.given = { sandboxId, paths: new Set() };
    const { paths } = known.given;
    for (const { path, bytes } of files) {
      if (paths.has(path)) continue;
      await session.files.put(path, bytes, { signal });
      paths.add(path);
    }
  }

  /** To be told of the start of each execution. Returns whether its session is a new one in place of one that has ended. */
  started(id: string, { state, generation }: EventOf<"execution_started">): boolean {
    const known = this.#known.get(id);
    const replaced = known?.used === true && state === "fresh" && generation === 1;
    if (known !== undefined) known.used = true;
    return replaced;
  }

  /** The session, which exists. Throws as every call to the gateway does. */
  async session(id: string, signal: AbortSignal | undefined): Promise<Session> {
    const known = this.#known.get(id);
    const session = known?.session ?? (await this.client.attach(id, { signal }));
    if (known !== undefined) known.session = session;
    return session;
  }

  /** Ends the session; one that never was, or has ended already, is fine. */
  async end(id: string): Promise<void> {
    if (!this.#known.delete(id)) return;
    try {
      await (await this.client.attach(id)).end();
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  async #made(id: string, description: Omit<SessionOptions, "id">): Promise<Session> {
    try {
      return await this.client.attach(id, description);
    } catch (error) {
      if (!isGone(error)) throw error;
      return this.client.session({ ...description, id });
    }
  }

  /** What the gateway says of it: another process may have used it, and it may have ended since. */
  async #ask(id: string, signal: AbortSignal | undefined): Promise<Acquaintance> {
    try {
      const session = await this.client.attach(id, { signal });
      return { session, used: false, given: undefined };
    } catch (error) {
      if (!isGone(error)) throw error;
      return { session: undefined, used: error.code === "session_ended", given: undefined };
    }
  }
}
