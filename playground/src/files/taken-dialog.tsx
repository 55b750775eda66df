import { Dialog } from "../layout/dialog.jsx";
import type { TakenQuestion } from "./session-files.js";

const SHOWN = 8;

/** Asks what becomes of files whose names are taken. */
export function TakenDialog({ question }: { question: TakenQuestion }) {
  const { names, choose } = question;
  const title = names.length === 1 ? "This name is taken" : `${names.length} names are taken`;
  return (
    <Dialog title={title} onClose={() => choose(undefined)}>
      <ul class="taken-names">
        {names.slice(0, SHOWN).map((name) => (
          <li key={name}>
            <code>{name}</code>
          </li>
        ))}
        {names.length > SHOWN && <li class="muted">and {names.length - SHOWN} more</li>}
      </ul>
      <p>Replacing discards what is there. Keeping both stores the new ones under other names.</p>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={() => choose("skip")}>
          {names.length === 1 ? "Skip it" : "Skip them"}
        </button>
        <button type="button" class="button button-danger" onClick={() => choose("replace")}>
          Replace
        </button>
        <button
          type="button"
          class="button button-primary"
          data-autofocus
          onClick={() => choose("keep-both")}
        >
          Keep both
        </button>
      </div>
    </Dialog>
  );
}
