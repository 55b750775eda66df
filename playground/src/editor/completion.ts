import {
  autocompletion,
  type CompletionContext,
  type CompletionResult,
  type CompletionSource,
  completionStatus,
  acceptCompletion,
  startCompletion,
} from "@codemirror/autocomplete";
import { indentMore } from "@codemirror/commands";
import { globalCompletion, localCompletionSource } from "@codemirror/lang-python";
import type { Extension } from "@codemirror/state";
import type { Command } from "@codemirror/view";
import { codePointsBefore, indexOfCodePoint } from "./code-points.js";
import type { KernelKnowledge } from "./kernel-knowledge.js";

/** Jupyter's names for what is completed, as the editor's icons have them. */
const TYPES: Record<string, string> = {
  function: "function",
  class: "class",
  instance: "variable",
  module: "namespace",
  keyword: "keyword",
  statement: "variable",
  property: "property",
  param: "property",
  magic: "keyword",
  path: "text",
};

function fromKernel(knowledge: KernelKnowledge): CompletionSource {
  return async (context: CompletionContext): Promise<CompletionResult | null> => {
    const code = context.state.doc.toString();
    const aborting = new AbortController();
    context.addEventListener("abort", () => aborting.abort());
    const found = await knowledge
      .complete(code, codePointsBefore(code, context.pos), aborting.signal)
      .catch(() => undefined);
    if (found === undefined) return fromText(context);
    if (found.options.length === 0) return null;
    return {
      from: indexOfCodePoint(code, found.from),
      to: indexOfCodePoint(code, found.to),
      options: found.options.map(({ text, type }) => ({
        label: text,
        ...(type !== undefined && TYPES[type] !== undefined ? { type: TYPES[type] } : {}),
      })),
      validFor: /^[\w]*$/,
    };
  };
}

/** Without an interpreter: names of this cell, and Python's own. */
function fromText(context: CompletionContext): CompletionResult | null {
  const local = localCompletionSource(context);
  const global = globalCompletion(context);
  const found = [local, global].filter(
    (result): result is CompletionResult => result !== null && !(result instanceof Promise),
  );
  const first = found[0];
  if (!first) return null;
  return { ...first, options: found.flatMap((result) => result.options) };
}

/** Completion by the interpreter, asked for by Tab. */
export function completion(knowledge: KernelKnowledge): Extension {
  return autocompletion({
    override: [fromKernel(knowledge)],
    activateOnTyping: false,
    icons: false,
    closeOnBlur: true,
  });
}

/** Tab: takes the completion that is shown, completes behind a name, and indents elsewhere. */
export const completeOrIndent: Command = (view) => {
  if (completionStatus(view.state) === "active") return acceptCompletion(view);
  const { main } = view.state.selection;
  const line = view.state.doc.lineAt(main.head);
  const before = line.text.slice(0, main.head - line.from);
  if (!main.empty) return indentMore(view);
  if (/[\w.)\]"'%/]$/.test(before)) return startCompletion(view);
  view.dispatch(view.state.update(view.state.replaceSelection("    "), { userEvent: "input" }));
  return true;
};
