import { useMemo } from "preact/hooks";
import { Icon } from "../layout/icon.jsx";
import { usePlayground } from "../layout/playground-context.js";
import { CellView } from "./cell-view.jsx";
import type { Commands } from "./commands.js";
import { sessionKnowledge } from "./kernel-knowledge.js";
import "./notebook-view.css";

/** The notebook's cells, one below the other. */
export function NotebookView({ commands }: { commands: Commands }) {
  const { notebook, session } = usePlayground();
  const knowledge = useMemo(() => sessionKnowledge(session), [session]);
  const cells = notebook.cells.value;
  return (
    <div class="notebook">
      {cells.map((cell, index) => (
        <CellView
          key={cell.id}
          cell={cell}
          index={index}
          count={cells.length}
          commands={commands}
          knowledge={knowledge}
        />
      ))}
      <div class="notebook-end">
        <button type="button" class="button button-quiet" onClick={() => notebook.append("code")}>
          <Icon name="plus" /> Code
        </button>
        <button
          type="button"
          class="button button-quiet"
          onClick={() => notebook.append("markdown")}
        >
          <Icon name="plus" /> Markdown
        </button>
      </div>
    </div>
  );
}
