import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { dataTable } from "./data-table.js";
import { FragmentView } from "./fragment-view.js";
import { IsolatedOutput } from "./isolated-output.js";
import "./data-table.css";

interface HtmlOutputProps {
  html: string;
  /** What stands for the value if it cannot be shown. */
  otherwise: ComponentChildren;
}

/** Tables of data stand in the page, where they look like the page; all other HTML may run scripts and is isolated. */
export function HtmlOutput({ html, otherwise }: HtmlOutputProps) {
  const table = useMemo(() => dataTable(html), [html]);
  return table === undefined ? (
    <IsolatedOutput mime="text/html" value={html} otherwise={otherwise} />
  ) : (
    <FragmentView fragment={table} class="table-output" />
  );
}
