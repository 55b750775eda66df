import { computed, type ReadonlySignal, signal } from "@preact/signals";
import {
  HotcellError,
  type Session,
  type SessionOptions,
  type SessionView,
} from "../../../src/client/index.js";
import type { Gateway } from "./gateway.js";
import { isOver, refusalWords, sessionEndWords } from "./session-end.js";
import { readStored, writeStored } from "./stored-value.js";

/** How the page stands with its session. */
export type SessionState =
  /** Not made yet: the first run makes it. */
  | { phase: "none" }
  | { phase: "starting" }
  | { phase: "live"; session: Session }
  | { phase: "ended"; detail: string };

/** The session that the page's notebook runs in. */
export interface CurrentSession {
  readonly id: ReadonlySignal<string>;
  readonly state: ReadonlySignal<SessionState>;
  /** As the gateway last described it, while it lives. */
  readonly view: ReadonlySignal<SessionView | undefined>;
  /** The live session, made where there is none. Throws HotcellError, `session_ended` for one that is over. */
  ensure: (signal: AbortSignal) => Promise<Session>;
  /** Finds the session again that an earlier page made; answers whether it lives. */
  find: (signal: AbortSignal) => Promise<boolean>;
  /** Goes over to a session: one that exists, or that the first run is to make so. */
  use: (id: string, options?: SessionOptions) => void;
  /** Asks the gateway how it is. */
  refresh: () => Promise<void>;
  /** It is over. */
  markEnded: (detail: string) => void;
  close: () => void;
}

const STORED = "hotcell.session";
/** How often a page that is looked at asks for its session, in milliseconds. */
const REFRESH_EVERY_MS = 15_000;

interface Stored {
  id: string;
  isMade: boolean;
}

/** An id for a session of this page. */
export function makeSessionId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  return `pg_${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function readSession(): Stored {
  const [made, id] = (readStored("session", STORED) ?? readStored("local", STORED) ?? "").split(
    " ",
  );
  return id !== undefined && /^[A-Za-z0-9._~-]{1,128}$/.test(id)
    ? { id, isMade: made === "made" }
    : { id: makeSessionId(), isMade: false };
}

/** The session of this tab, or the one that this browser used last. */
export function currentSession(gateway: Gateway): CurrentSession {
  const stored = readSession();
  const id = signal(stored.id);
  let isMade = stored.isMade;
  let options: SessionOptions = {};
  let starting: Promise<Session> | undefined;
  const state = signal<SessionState>({ phase: "none" });
  const view = signal<SessionView | undefined>(undefined);
  const closing = new AbortController();

  const keep = () => {
    const value = `${isMade ? "made" : "new"} ${id.value}`;
    writeStored("session", STORED, value);
    writeStored("local", STORED, value);
  };

  const live = (session: Session) => {
    isMade = true;
    keep();
    view.value = session.view;
    state.value = { phase: "live", session };
    return session;
  };

  const markEnded = (detail: string) => {
    view.value = undefined;
    state.value = { phase: "ended", detail };
  };

  const start = async (signal: AbortSignal): Promise<Session> => {
    const wanted = id.value;
    state.value = { phase: "starting" };
    try {
      const session = await gateway.client.session({
        ...options,
        id: wanted,
        metadata: { client: "playground" },
        signal,
      });
      if (id.value !== wanted) throw new DOMException("Another session is used", "AbortError");
      return live(session);
    } catch (error) {
      if (id.value === wanted) {
        if (isOver(error)) markEnded(refusalWords(error));
        else state.value = { phase: "none" };
      }
      throw error;
    }
  };

  const refresh = async () => {
    const now = state.value;
    if (now.phase !== "live") return;
    try {
      const fresh = await now.session.refresh();
      if (state.value !== now) return;
      if (fresh.state === "ended") markEnded(sessionEndWords(fresh.reason));
      else view.value = fresh;
    } catch (error) {
      if (state.value === now && isOver(error)) markEnded(refusalWords(error));
    }
  };

  const timer = setInterval(() => {
    if (!document.hidden && gateway.connection.value !== "key-needed") void refresh();
  }, REFRESH_EVERY_MS);
  document.addEventListener("visibilitychange", () => void refresh(), { signal: closing.signal });
  keep();

  return {
    id,
    state,
    view: computed(() => view.value),
    async ensure(signal) {
      const now = state.value;
      if (now.phase === "live") return now.session;
      if (now.phase === "ended") throw new HotcellError("session_ended", now.detail);
      starting ??= start(signal).finally(() => (starting = undefined));
      return starting;
    },
    async find(signal) {
      if (!isMade) {
        // Whether the page needs a key is to be known before the first run.
        await gateway.client.sessions({ limit: 1, signal });
        return false;
      }
      const wanted = id.value;
      try {
        const session = await gateway.client.attach(wanted, { signal });
        if (id.value !== wanted) return false;
        live(session);
        return true;
      } catch (error) {
        if (!isOver(error)) throw error;
        if (id.value === wanted) markEnded(refusalWords(error));
        return false;
      }
    },
    use(next, description) {
      id.value = next;
      isMade = description === undefined;
      options = description ?? {};
      starting = undefined;
      view.value = undefined;
      state.value = { phase: "none" };
      keep();
    },
    refresh,
    markEnded,
    close() {
      closing.abort();
      clearInterval(timer);
    },
  };
}
