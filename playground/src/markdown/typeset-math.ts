import katex from "katex";
import "katex/dist/katex.css";

/** Typesets one formula into its element. KaTeX sets its styles on nodes, which a strict policy allows. */
export function typesetMath(element: HTMLElement, isDisplay: boolean): void {
  const formula = element.textContent;
  katex.render(formula, element, {
    displayMode: isDisplay,
    throwOnError: false,
    trust: false,
    maxExpand: 1000,
    maxSize: 50,
    errorColor: "var(--error)",
  });
}
