import {
  ANY_MODE_SHORTCUTS,
  COMMAND_SHORTCUTS,
  EDITOR_SHORTCUTS,
  type Shortcut,
} from "../notebook/shortcuts.js";
import { Dialog } from "./dialog.jsx";
import "./shortcuts-dialog.css";

const NAMES: Record<string, string> = {
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
};

function Keys({ keys }: { keys: readonly string[] }) {
  return (
    <>
      {keys.map((combination, index) => (
        <span key={combination}>
          {index > 0 && <span class="muted"> or </span>}
          {combination.split(/[ +]/).map((key, position) => (
            <span key={position}>
              {position > 0 && " "}
              <kbd>{NAMES[key] ?? key}</kbd>
            </span>
          ))}
        </span>
      ))}
    </>
  );
}

interface ShortcutTableProps {
  title: string;
  shortcuts: readonly Pick<Shortcut, "keys" | "description">[];
}

function ShortcutTable({ title, shortcuts }: ShortcutTableProps) {
  return (
    <section>
      <h3>{title}</h3>
      <dl class="shortcuts">
        {shortcuts.map(({ keys, description }) => (
          <div key={description}>
            <dt>
              <Keys keys={keys} />
            </dt>
            <dd>{description}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Every key there is. */
export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose} isWide>
      <p class="muted">
        <kbd>Esc</kbd> leaves the editor for command mode, where single keys act on cells;{" "}
        <kbd>Enter</kbd> goes back in. On a Mac, Command does what Ctrl does.
      </p>
      <div class="shortcut-columns">
        <ShortcutTable title="In command mode" shortcuts={COMMAND_SHORTCUTS} />
        <div class="shortcut-column">
          <ShortcutTable title="Always" shortcuts={ANY_MODE_SHORTCUTS} />
          <ShortcutTable title="In the editor" shortcuts={EDITOR_SHORTCUTS} />
        </div>
      </div>
    </Dialog>
  );
}
