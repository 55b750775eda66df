import { htmlTokens } from "./html-token.js";
import { MOST_COLUMNS, type TableCell, TextTable } from "./text-table.js";

/** Elements that begin and end a line of their own. */
const BLOCKS = new Set([
  ...[
    "address",
    "article",
    "aside",
    "blockquote",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
  ],
  ...["figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main"],
  ...["nav", "ol", "p", "pre", "section", "summary", "ul"],
]);

/** The most columns or rows that one cell may claim. */
const MOST_SPANNED = 100;

function spanOf(attributes: string, name: "colspan" | "rowspan"): number {
  const value = new RegExp(`\\b${name}\\s*=\\s*["']?(\\d{1,4})`, "i").exec(attributes)?.[1];
  return Math.min(Math.max(Number(value ?? 1), 1), MOST_SPANNED);
}

/** One table while it is read; a table inside of a cell is text of that cell. */
class TableReader {
  readonly #table = new TextTable();
  #depth = 1;
  #inHead = false;
  #row: (TableCell & { header: boolean })[] = [];
  #cell: (TableCell & { header: boolean }) | undefined;

  open(name: string, attributes: string): void {
    if (name === "table") this.#depth += 1;
    if (this.#depth > 1) this.text(" ");
    else if (name === "thead") this.#inHead = true;
    else if (name === "tr") this.#endRow();
    else if (name === "td" || name === "th") {
      this.#endCell();
      const [columns, rows] = [spanOf(attributes, "colspan"), spanOf(attributes, "rowspan")];
      this.#cell = { text: "", columns, rows, header: name === "th" };
    } else if (name === "br" || BLOCKS.has(name)) this.text(" ");
  }

  /** Returns the table's text when it has ended. */
  close(name: string): string | undefined {
    if (name === "table") this.#depth -= 1;
    if (this.#depth === 0) return this.end();
    if (this.#depth > 1) this.text(" ");
    else if (name === "thead") {
      this.#endRow();
      this.#inHead = false;
    } else if (name === "tr") this.#endRow();
    else if (name === "td" || name === "th") this.#endCell();
    return undefined;
  }

  text(text: string): void {
    if (this.#cell) this.#cell.text += text;
  }

  end(): string {
    this.#endRow();
    return this.#table.toString();
  }

  #endCell(): void {
    const cell = this.#cell;
    this.#cell = undefined;
    if (cell === undefined || this.#row.length >= MOST_COLUMNS) return;
    this.#row.push({ ...cell, text: cell.text.replace(/\s+/g, " ").trim() });
  }

  #endRow(): void {
    this.#endCell();
    const row = this.#row;
    if (row.length === 0) return;
    this.#row = [];
    if (this.#inHead || row.every((cell) => cell.header)) this.#table.addHeader(row);
    else this.#table.addRow(row);
  }
}

/** What a reader sees of HTML: blocks on lines of their own, tables aligned, no scripts, styles or drawings. */
export function htmlText(html: string): string {
  const parts: string[] = [];
  let table: TableReader | undefined;
  let preformatted = 0;
  const push = (text: string): void => {
    const atLineStart = parts.at(-1)?.endsWith("\n") ?? true;
    const seen = preformatted > 0 ? text : text.replace(/\s+/g, " ");
    const part = atLineStart && preformatted === 0 ? seen.trimStart() : seen;
    if (part !== "") parts.push(part);
  };
  for (const token of htmlTokens(html)) {
    if (table) {
      if (token.kind === "text") table.text(token.text);
      else if (token.kind === "open") table.open(token.name, token.attributes);
      else {
        const text = table.close(token.name);
        if (text === undefined) continue;
        parts.push(`\n${text}\n`);
        table = undefined;
      }
      continue;
    }
    if (token.kind === "text") {
      push(token.text);
      continue;
    }
    const { name } = token;
    if (name === "pre") preformatted = Math.max(0, preformatted + (token.kind === "open" ? 1 : -1));
    if (token.kind === "open" && name === "table") table = new TableReader();
    else if (name === "br" || BLOCKS.has(name)) parts.push("\n");
    if (token.kind === "open" && name === "li") parts.push("- ");
  }
  if (table) parts.push(`\n${table.end()}`);
  return parts
    .join("")
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .replace(/^\n+|\n+$/g, "");
}
