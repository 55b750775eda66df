import { useRef } from "preact/hooks";
import type { Commands } from "../notebook/commands.js";
import { SessionStatus, useSessionStatus } from "../sessions/session-status.jsx";
import { TimeLeft } from "../sessions/time-left.jsx";
import { Icon, type IconName } from "./icon.jsx";
import mark from "./mark.svg";
import { usePlayground } from "./playground-context.js";
import { openPane } from "./side-pane.jsx";
import { ThemeButton } from "./theme-button.jsx";
import "./header.css";

interface ToolProps {
  icon: IconName;
  label: string;
  hint?: string;
  disabled?: boolean;
  onClick: () => void;
}

function Tool({ icon, label, hint, disabled = false, onClick }: ToolProps) {
  return (
    <button
      type="button"
      class="button button-quiet button-icon"
      aria-label={label}
      title={hint === undefined ? label : `${label} (${hint})`}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}

function SessionButton() {
  const { session } = usePlayground();
  const { words } = useSessionStatus();
  const view = session.view.value;
  const isOpen = openPane.value !== undefined;
  return (
    <button
      type="button"
      class="button session-button"
      aria-expanded={isOpen}
      aria-label={`Session and files. Session: ${words}`}
      data-opens-pane
      onClick={() => {
        openPane.value = isOpen ? undefined : "sessions";
      }}
    >
      <SessionStatus />
      {view && (
        <span class="session-time muted">
          <TimeLeft expiresAt={view.expires_at} />
        </span>
      )}
      <Icon name="pane" />
    </button>
  );
}

/** The top of the page: what can be done with the notebook, and how its session is. */
export function Header({ commands }: { commands: Commands }) {
  const { runner, session } = usePlayground();
  const chooser = useRef<HTMLInputElement>(null);
  const isBusy = runner.running.value !== undefined;
  const isLive = session.state.value.phase === "live";

  return (
    <header class="header">
      <h1 class="brand">
        <img src={mark} alt="" width="24" height="24" />
        <span>Hotcell</span>
      </h1>
      <div class="tools" role="toolbar" aria-label="Notebook">
        <button
          type="button"
          class="button button-primary run-all"
          aria-label="Run all"
          title="Run all cells"
          onClick={commands.runAll}
        >
          <Icon name="play-all" /> <span>Run all</span>
        </button>
        <Tool
          icon="stop"
          label="Interrupt"
          hint="I I"
          disabled={!isBusy}
          onClick={() => commands.perform("interrupt")}
        />
        <Tool
          icon="restart"
          label="Restart the interpreter"
          hint="0 0"
          disabled={!isLive}
          onClick={() => commands.perform("restart")}
        />
        <span class="tools-gap" />
        <Tool icon="open" label="Open a notebook" onClick={() => chooser.current?.click()} />
        <Tool
          icon="download"
          label="Download the notebook"
          hint="Ctrl+S"
          onClick={() => commands.perform("save")}
        />
        <input
          ref={chooser}
          type="file"
          accept=".ipynb,application/x-ipynb+json,application/json"
          hidden
          aria-label="Notebook file"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            event.currentTarget.value = "";
            if (file) void commands.open(file);
          }}
        />
      </div>
      <div class="tools tools-end">
        <Tool
          icon="keyboard"
          label="Keys"
          hint="?"
          onClick={() => commands.perform("show-shortcuts")}
        />
        <ThemeButton />
        <SessionButton />
      </div>
    </header>
  );
}
