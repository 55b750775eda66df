import { closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { pythonLanguage } from "@codemirror/lang-python";
import { bracketMatching, indentOnInput, indentUnit } from "@codemirror/language";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  keymap,
  placeholder as placeholderText,
} from "@codemirror/view";
import type { Signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { completeOrIndent, completion } from "./completion.js";
import { editorTheme } from "./editor-theme.js";
import { inspection } from "./inspection.js";
import type { KernelKnowledge } from "./kernel-knowledge.js";
import "./code-editor.css";

/** What the editor leaves to the notebook. */
export interface EditorActions {
  run: () => void;
  runAndAdvance: () => void;
  runAndInsert: () => void;
  leave: () => void;
  /** The cursor goes beyond the first or the last line; answers whether there is somewhere to go. */
  goBeyond: (direction: "up" | "down") => boolean;
  save: () => void;
}

export interface CodeEditorProps {
  source: Signal<string>;
  language: "python" | "markdown" | "text";
  label: string;
  placeholder?: string;
  /** Each new object asks for the keyboard's focus. */
  focusWish: object | undefined;
  knowledge: KernelKnowledge;
  actions: EditorActions;
  onFocus: () => void;
  onBlur: () => void;
}

/** Keys of the notebook come first: the editor's own Enter would win otherwise. */
function notebookKeys(actions: () => EditorActions) {
  const act = (name: "run" | "runAndAdvance" | "runAndInsert" | "leave" | "save") => () => {
    actions()[name]();
    return true;
  };
  // The editor's own arrow keys come before, and fail where the cursor cannot move further.
  const beyond = (direction: "up" | "down") => (view: EditorView) =>
    view.state.selection.main.empty && actions().goBeyond(direction);
  return [
    Prec.highest(
      keymap.of([
        { key: "Shift-Enter", run: act("runAndAdvance") },
        { key: "Mod-Enter", run: act("run") },
        { key: "Ctrl-Enter", run: act("run") },
        { key: "Alt-Enter", run: act("runAndInsert") },
        { key: "Mod-s", run: act("save"), preventDefault: true },
      ]),
    ),
    Prec.low(
      keymap.of([
        { key: "Escape", run: act("leave") },
        { key: "ArrowUp", run: beyond("up") },
        { key: "ArrowDown", run: beyond("down") },
      ]),
    ),
  ];
}

/** Markdown's parser knows HTML, and with it CSS and JavaScript: too much for the page's first load. */
async function showMarkdown(editor: EditorView, parsing: Compartment): Promise<void> {
  const { markdown } = await import("@codemirror/lang-markdown");
  editor.dispatch({ effects: parsing.reconfigure(markdown()) });
}

/**
 * An editor of a cell's source. It lives in a shadow root, where CodeMirror adopts its style sheets: in the document it
 * would need a style element, which the page's content security policy forbids.
 */
export function CodeEditor(props: CodeEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | undefined>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const { source, language, label, placeholder, focusWish } = props;
  const describing = useRef(new Compartment());

  const description = () => EditorView.contentAttributes.of({ "aria-label": label });

  // Before the next key: effects after painting would let the first keys of a fast hand go elsewhere.
  useLayoutEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const root = element.shadowRoot ?? element.attachShadow({ mode: "open" });
    const parsing = new Compartment();
    const python = [
      pythonLanguage,
      completion(latest.current.knowledge),
      inspection(latest.current.knowledge),
      keymap.of([{ key: "Tab", run: completeOrIndent }]),
      closeBrackets(),
      indentOnInput(),
    ];
    const editor = new EditorView({
      parent: root,
      root,
      state: EditorState.create({
        doc: source.peek(),
        extensions: [
          notebookKeys(() => latest.current.actions),
          language === "python" ? python : [],
          parsing.of([]),
          language === "python" ? [] : EditorView.lineWrapping,
          history(),
          drawSelection(),
          bracketMatching(),
          indentUnit.of("    "),
          keymap.of([
            ...closeBracketsKeymap,
            ...completionKeymap,
            ...historyKeymap,
            ...defaultKeymap,
          ]),
          editorTheme,
          placeholder === undefined ? [] : placeholderText(placeholder),
          describing.current.of(description()),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) source.value = update.state.doc.toString();
            if (update.focusChanged)
              if (update.view.hasFocus) latest.current.onFocus();
              else latest.current.onBlur();
          }),
        ],
      }),
    });
    view.current = editor;
    if (language === "markdown") void showMarkdown(editor, parsing);
    const stop = source.subscribe((text) => {
      if (text === editor.state.doc.toString()) return;
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text } });
    });
    return () => {
      stop();
      editor.destroy();
      view.current = undefined;
    };
  }, [source, language]);

  useLayoutEffect(() => {
    view.current?.dispatch({ effects: describing.current.reconfigure(description()) });
  }, [label]);

  useLayoutEffect(() => {
    if (focusWish !== undefined) view.current?.focus();
  }, [focusWish]);

  return <div class="code-editor" ref={host} />;
}
