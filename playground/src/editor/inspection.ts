import { indentLess } from "@codemirror/commands";
import { type Extension, StateEffect, StateField } from "@codemirror/state";
import { type Command, type EditorView, keymap, showTooltip, type Tooltip } from "@codemirror/view";
import { stripEscapes } from "../../../src/kernels/terminal-text.js";
import { codePointsBefore } from "./code-points.js";
import type { KernelKnowledge } from "./kernel-knowledge.js";

const NOTHING = "The interpreter knows nothing of this, or is busy.";

const show = StateEffect.define<{ position: number; words: string } | null>();

function tooltip(position: number, words: string): Tooltip {
  return {
    pos: position,
    above: false,
    create() {
      const dom = document.createElement("pre");
      dom.className = "cm-inspection";
      dom.setAttribute("role", "tooltip");
      dom.textContent = words;
      return { dom };
    },
  };
}

const shown = StateField.define<Tooltip | null>({
  create: () => null,
  update(value, transaction) {
    for (const effect of transaction.effects)
      if (effect.is(show))
        return effect.value && tooltip(effect.value.position, effect.value.words);
    return transaction.docChanged || transaction.selection ? null : value;
  },
  provide: (field) => showTooltip.from(field),
});

const close: Command = (view) => {
  if (view.state.field(shown) === null) return false;
  view.dispatch({ effects: show.of(null) });
  return true;
};

async function inspect(view: EditorView, knowledge: KernelKnowledge): Promise<void> {
  const { state } = view;
  const code = state.doc.toString();
  const position = state.selection.main.head;
  const found = await knowledge
    .inspect(code, codePointsBefore(code, position), AbortSignal.timeout(5000))
    .catch(() => undefined);
  if (view.state !== state) return;
  const words = found === undefined ? NOTHING : stripEscapes(found);
  view.dispatch({ effects: show.of({ position, words }) });
}

/** Shift+Tab: what the interpreter knows of the name at the cursor; dedents where there is none. */
export function inspection(knowledge: KernelKnowledge): Extension {
  const inspectOrDedent: Command = (view) => {
    const { main } = view.state.selection;
    const line = view.state.doc.lineAt(main.head);
    const before = line.text.slice(0, main.head - line.from);
    if (!main.empty || before.trim() === "") return indentLess(view);
    void inspect(view, knowledge);
    return true;
  };
  return [
    shown,
    keymap.of([
      { key: "Shift-Tab", run: inspectOrDedent },
      { key: "Escape", run: close },
    ]),
  ];
}
