import { Marked } from "marked";
import { useEffect, useRef } from "preact/hooks";
import { mathExtension } from "./math-extension.js";
import { MATH_CLASS, sanitizedFragment } from "./sanitized-html.js";
import "./markdown.css";

const marked = new Marked({ gfm: true, breaks: false, async: false }, mathExtension);

/** Loads KaTeX when the first formula is shown. */
async function typeset(root: HTMLElement, isCurrent: () => boolean): Promise<void> {
  const formulas = [...root.querySelectorAll<HTMLElement>(`.${MATH_CLASS}`)];
  if (formulas.length === 0) return;
  const { typesetMath } = await import("./typeset-math.js");
  if (!isCurrent()) return;
  for (const formula of formulas) typesetMath(formula, formula.tagName === "DIV");
}

/** Markdown as a document, with TeX typeset. What it says cannot act in the page. */
export function Markdown({ source }: { source: string }) {
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = root.current;
    if (!element) return undefined;
    let isCurrent = true;
    element.replaceChildren(sanitizedFragment(marked.parse(source, { async: false })));
    typeset(element, () => isCurrent).catch(() => {
      // Without KaTeX a formula's source stands where the formula would.
    });
    return () => {
      isCurrent = false;
    };
  }, [source]);
  return <div class="markdown" ref={root} />;
}
