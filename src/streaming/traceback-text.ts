import { stripEscapes } from "../kernels/terminal-text.js";
import type { Output } from "../kernels/output.js";

type ErrorOutput = Extract<Output, { output_type: "error" }>;

/**
 * A frame of what runs the cell (IPython, ipykernel, kerneld) instead of the cell or a library, in IPython's form
 * (`File path:line, in …`) or Python's (`File "path", line …`, behind bars within exception groups).
 */
const OWN_FRAME =
  /^[\s|+]*File "?(?:[^\s"]*\/(?:dist|site)-packages\/(?:IPython|ipykernel|jupyter_client|traitlets)\/|\/opt\/hotcell\/)/;

/** Where IPython says that code of a cell comes from when it has no better name. */
const CELL_FILE = /\/tmp\/ipykernel_\d+\/\d+\.py/g;

/** The rule above a traceback, and its first line, which IPython stretches to the width of a page. */
const RULE = /^-{20,}$/;
const HEADER = /^[\w.]+ {2,}Traceback \(most recent call last\)$/;

/** A traceback as a model reads it: without colours, and without the frames of what runs the cell. */
export function tracebackText(error: ErrorOutput): string {
  const parts = error.traceback
    .map((part) => stripEscapes(part))
    .filter((part) => !OWN_FRAME.test(part) && !RULE.test(part))
    .map((part) => (HEADER.test(part) ? "Traceback (most recent call last):" : part))
    .map((part) => part.replace(CELL_FILE, "<cell>").trimEnd());
  if (parts.every((part) => part === "")) return `${error.ename}: ${error.evalue}`;
  return parts.join("\n").replace(/^\n+/, "");
}
