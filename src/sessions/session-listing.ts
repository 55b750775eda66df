import { HotcellError } from "../errors.js";
import type { Session } from "./session.js";
import type { SessionState, SessionView } from "./session-view.js";

export interface SessionFilter {
  state?: SessionState | undefined;
  metadata: Record<string, string>;
  cursor?: string | undefined;
  limit: number;
}

export interface SessionPage {
  sessions: SessionView[];
  /** Where the next page begins; null on the last. */
  next_cursor: string | null;
}

/** A page of the sessions that the filter lets through, newest first. Throws `invalid_request` for another's cursor. */
export async function listSessions(
  sessions: readonly Session[],
  filter: SessionFilter,
): Promise<SessionPage> {
  const position = filter.cursor === undefined ? undefined : decodeCursor(filter.cursor);
  const matching = sessions
    .filter((session) => filter.state === undefined || session.state === filter.state)
    .filter((session) =>
      Object.entries(filter.metadata).every(
        ([name, value]) =>
          Object.hasOwn(session.identity.metadata, name) &&
          session.identity.metadata[name] === value,
      ),
    )
    .map((session) => ({
      session,
      at: `${session.identity.createdAt.toISOString()} ${session.id}`,
    }))
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

function decodeCursor(cursor: string): string {
  const text = Buffer.from(cursor, "base64url").toString("utf8");
  if (/^\d{4}-\d\d-\d\dT[\d:.]+Z \S{1,128}$/.test(text)) return text;
  throw new HotcellError("invalid_request", "cursor: is not one that a list has given", {
    errors: [{ path: "cursor", message: "is not one that a list has given" }],
  });
}
