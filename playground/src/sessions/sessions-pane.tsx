import { useCallback, useEffect, useState } from "preact/hooks";
import type { SessionView } from "../../../src/client/index.js";
import { announce } from "../layout/announcer.jsx";
import { Icon } from "../layout/icon.jsx";
import { noticeError } from "../layout/notice.js";
import { openDialog } from "../layout/open-dialog.js";
import { usePlayground } from "../layout/playground-context.js";
import { isOver } from "./session-end.js";
import { SessionStatus } from "./session-status.jsx";
import { sizeWords } from "./size-words.js";
import { TimeLeft } from "./time-left.jsx";
import "./sessions-pane.css";

function limitWords({ limits, image }: SessionView): string {
  return [
    image,
    limits.memory_bytes === null ? undefined : `${sizeWords(limits.memory_bytes)} memory`,
    limits.cpu === null ? undefined : `${limits.cpu} CPU`,
  ]
    .filter((word) => word !== undefined)
    .join(" · ");
}

/** What the session is made of and has used. */
function CurrentSession({ view }: { view: SessionView }) {
  const facts: [string, string][] = [
    ["Image", view.image],
    ["Runs in", `${view.runtime}, ${view.isolation.tier} isolation`],
    ["Memory", memoryWords(view)],
    ["Processors", view.limits.cpu === null ? "not limited" : `at most ${view.limits.cpu}`],
    ["Disk", sizeWords(view.workspace.bytes)],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function memoryWords({ usage, limits }: SessionView): string {
  const limit = limits.memory_bytes === null ? "" : ` of ${sizeWords(limits.memory_bytes)}`;
  return usage === null
    ? limit === ""
      ? "not limited"
      : `up to${limit.slice(3)}`
    : sizeWords(usage.memory_bytes) + limit;
}

/** The session at hand, and the others that can be gone over to. */
export function SessionsPane() {
  const { gateway, session, openSession } = usePlayground();
  const [others, setOthers] = useState<readonly SessionView[] | undefined>();
  const [isMore, setMore] = useState(false);
  const currentId = session.id.value;
  const state = session.state.value;
  const view = session.view.value;

  const list = useCallback(async () => {
    const { sessions, next_cursor } = await gateway.client.sessions({ limit: 50 });
    setOthers(sessions);
    setMore(next_cursor !== null);
  }, [gateway]);

  useEffect(() => {
    list().catch(() => setOthers((known) => known ?? []));
  }, [list, currentId, state.phase, gateway.connection.value]);

  const end = async (id: string) => {
    try {
      const ending = await gateway.client.attach(id);
      await ending.end();
    } catch (error) {
      if (!isOver(error)) throw error;
    }
    if (id === session.id.value) session.markEnded("The session was ended.");
    announce("Session ended");
    await list();
  };

  const rest = others?.filter(({ id }) => id !== currentId);
  return (
    <div class="sessions-pane">
      <section class="sessions-current" aria-labelledby="current-session">
        <div class="pane-title">
          <h3 id="current-session">This session</h3>
          <SessionStatus />
        </div>
        <p class="session-id">
          <code>{currentId}</code>
        </p>
        {view ? (
          <CurrentSession view={view} />
        ) : (
          <p class="muted">
            {state.phase === "ended" ? state.detail : "It starts with the first cell you run."}
          </p>
        )}
        <div class="session-actions">
          {view && (
            <span class="muted">
              <TimeLeft expiresAt={view.expires_at} />
            </span>
          )}
          {state.phase === "live" && (
            <button
              type="button"
              class="button button-quiet button-danger"
              onClick={() => void end(currentId).catch(noticeError)}
            >
              End session
            </button>
          )}
        </div>
        <button
          type="button"
          class="button"
          onClick={() => {
            openDialog.value = "new-session";
          }}
        >
          <Icon name="plus" /> New session
        </button>
      </section>
      <section aria-labelledby="other-sessions">
        <div class="pane-title">
          <h3 id="other-sessions">Other sessions</h3>
          <button
            type="button"
            class="button button-quiet button-icon"
            aria-label="Refresh the list"
            title="Refresh"
            onClick={() => void list().catch(noticeError)}
          >
            <Icon name="restart" />
          </button>
        </div>
        {rest === undefined ? (
          <p class="muted">
            <span class="spinner" /> Looking
          </p>
        ) : rest.length === 0 ? (
          <p class="muted">There are no others.</p>
        ) : (
          <ul class="session-list">
            {rest.map((other) => (
              <li key={other.id} class="session-item">
                <button
                  type="button"
                  class="session-open"
                  title={`Go over to ${other.id}`}
                  onClick={() => void openSession(other.id).catch(noticeError)}
                >
                  <code>{other.id}</code>
                  <span class="muted">{limitWords(other)}</span>
                  <span class="muted">
                    <TimeLeft expiresAt={other.expires_at} />
                  </span>
                </button>
                <button
                  type="button"
                  class="button button-quiet button-icon"
                  aria-label={`End session ${other.id}`}
                  title="End"
                  onClick={() => void end(other.id).catch(noticeError)}
                >
                  <Icon name="trash" />
                </button>
              </li>
            ))}
          </ul>
        )}
        {isMore && <p class="muted">The newest 50 are shown.</p>}
      </section>
    </div>
  );
}
