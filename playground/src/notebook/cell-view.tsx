import { useComputed } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { CodeEditor, type EditorActions } from "../editor/code-editor.jsx";
import type { KernelKnowledge } from "../editor/kernel-knowledge.js";
import { Icon } from "../layout/icon.jsx";
import { usePlayground } from "../layout/playground-context.js";
import { Markdown } from "../markdown/markdown.jsx";
import { OutputArea } from "../outputs/output-area.jsx";
import { isActive, type Cell } from "./cell.js";
import { CellToolbar } from "./cell-toolbar.jsx";
import type { Commands } from "./commands.js";
import { InputRequest } from "./input-request.jsx";
import { RunMark } from "./run-mark.jsx";
import "./cell-view.css";

interface CellViewProps {
  cell: Cell;
  index: number;
  count: number;
  commands: Commands;
  knowledge: KernelKnowledge;
}

/** Brackets as Jupyter has them: the number of the run, a star while it is due. */
function executionMark(cell: Cell): string {
  if (isActive(cell)) return "[*]";
  return `[${cell.executionCount.value ?? " "}]`;
}

/** One cell: its gutter, source and outputs. */
export function CellView({ cell, index, count, commands, knowledge }: CellViewProps) {
  const { notebook, session } = usePlayground();
  const element = useRef<HTMLElement>(null);
  const kind = cell.kind.value;
  const number = index + 1;
  const isSelected = useComputed(() => notebook.selectedId.value === cell.id).value;
  const isEditing = useComputed(
    () => notebook.selectedId.value === cell.id && notebook.mode.value === "edit",
  ).value;
  const wish = useComputed(() =>
    notebook.focusWish.value?.cellId === cell.id ? notebook.focusWish.value : undefined,
  ).value;
  const isRendered = kind === "markdown" && cell.isRendered.value && !isEditing;

  useLayoutEffect(() => {
    if (wish?.mode !== "command") return;
    element.current?.focus({ preventScroll: true });
    element.current?.scrollIntoView({ block: "nearest" });
  }, [wish]);

  const actions = useMemo<EditorActions>(() => {
    const selected = (command: Parameters<Commands["perform"]>[0]) => () => {
      notebook.select(cell.id, "edit");
      commands.perform(command);
    };
    return {
      run: selected("run"),
      runAndAdvance: selected("run-and-advance"),
      runAndInsert: selected("run-and-insert"),
      leave: selected("command"),
      save: selected("save"),
      goBeyond(direction) {
        const next =
          notebook.cells.value[notebook.indexOf(cell.id) + (direction === "up" ? -1 : 1)];
        if (!next) return false;
        const isReadable = next.kind.value === "markdown" && next.isRendered.value;
        notebook.select(next.id, isReadable ? "command" : "edit", true);
        return true;
      },
    };
  }, [cell, commands, notebook]);

  const loadArtifact = useMemo(
    () => async (href: string, signal: AbortSignal) => {
      const id = cell.executionId.value;
      if (id === undefined || session.state.value.phase !== "live")
        throw new Error("The session that has it is over");
      const bytes = await session.state.value.session.execution(id).artifact(href, { signal });
      return new Blob([bytes]);
    },
    [cell, session],
  );

  const request = cell.input.value;
  const label = `Cell ${number}, ${kind}`;
  return (
    <section
      ref={element}
      class={`cell cell-${kind} ${isSelected ? "is-selected" : ""} ${isEditing ? "is-editing" : ""}`}
      aria-label={label}
      role="group"
      aria-current={isSelected}
      tabIndex={isSelected ? 0 : -1}
      onMouseDown={() => {
        if (!isSelected) notebook.select(cell.id);
      }}
      onDblClick={() => {
        if (isRendered) commands.perform("edit");
      }}
    >
      <div class="cell-gutter">
        {kind === "code" && (
          <>
            <button
              type="button"
              class="cell-run"
              aria-label={`Run cell ${number}`}
              title="Run (Shift+Enter)"
              disabled={isActive(cell)}
              onClick={() => commands.runCell(cell)}
            >
              <Icon name="play" />
            </button>
            <span
              class={`cell-count ${cell.isStale.value ? "is-stale" : ""}`}
              title={cell.isStale.value ? "The interpreter that ran it is gone" : undefined}
            >
              <span class="visually-hidden">
                {cell.executionCount.value === null
                  ? "Not run"
                  : `Run number ${cell.executionCount.value}${cell.isStale.value ? ", its state is gone" : ""}`}
              </span>
              <span aria-hidden="true">{executionMark(cell)}</span>
            </span>
          </>
        )}
      </div>
      <div class="cell-body">
        {isSelected && (
          <CellToolbar
            cell={cell}
            number={number}
            isFirst={index === 0}
            isLast={index === count - 1}
            perform={commands.perform}
          />
        )}
        {isRendered ? (
          <div class="cell-document">
            <Markdown source={cell.source.value} />
          </div>
        ) : (
          <div class="cell-source">
            <CodeEditor
              key={kind}
              source={cell.source}
              language={kind === "code" ? "python" : kind === "markdown" ? "markdown" : "text"}
              label={`${kind === "code" ? "Code" : kind === "markdown" ? "Markdown" : "Text"} of cell ${number}`}
              {...(kind === "markdown" ? { placeholder: "Markdown, with $\\TeX$" } : {})}
              focusWish={wish?.mode === "edit" ? wish : undefined}
              knowledge={knowledge}
              actions={actions}
              onFocus={() => notebook.select(cell.id, "edit")}
              onBlur={() => {
                if (document.hasFocus() && notebook.selectedId.value === cell.id)
                  notebook.mode.value = "command";
              }}
            />
          </div>
        )}
        {kind === "code" && (
          <>
            <RunMark cell={cell} />
            {cell.outputs.value.length > 0 && (
              <div class="cell-outputs">
                <OutputArea
                  outputs={cell.outputs.value}
                  label={`Output of cell ${number}`}
                  running={cell.run.value.phase === "running"}
                  loadArtifact={loadArtifact}
                />
              </div>
            )}
            {request && <InputRequest request={request} />}
          </>
        )}
      </div>
    </section>
  );
}
