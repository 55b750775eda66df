import { usePlayground } from "../layout/playground-context.js";

type Tone = "off" | "idle" | "busy" | "bad";

/** The session's state in a word or two, and the dot's colour for it. */
export function useSessionStatus(): { words: string; tone: Tone } {
  const { gateway, session, runner } = usePlayground();
  if (gateway.connection.value === "key-needed") return { words: "Key needed", tone: "bad" };
  if (gateway.connection.value === "lost") return { words: "Reconnecting", tone: "bad" };
  const { phase } = session.state.value;
  if (phase === "none") return { words: "Not started", tone: "off" };
  if (phase === "starting") return { words: "Starting", tone: "busy" };
  if (phase === "ended") return { words: "Ended", tone: "bad" };
  const kernel = session.view.value?.kernels[0];
  if (runner.running.value !== undefined || kernel?.execution_state === "busy")
    return { words: "Busy", tone: "busy" };
  if (kernel?.execution_state === "dead") return { words: "Interpreter dead", tone: "bad" };
  return { words: "Idle", tone: "idle" };
}

/** A dot and a word that say how the session is. */
export function SessionStatus() {
  const { words, tone } = useSessionStatus();
  return (
    <span class="session-status">
      <span class={`session-dot session-dot-${tone}`} aria-hidden="true" />
      <span>{words}</span>
    </span>
  );
}
