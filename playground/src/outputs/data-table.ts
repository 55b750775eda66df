import DOMPurify from "dompurify";

const SAFE_TAGS = [
  ...["table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "colgroup", "col"],
  ...["div", "p", "span", "small", "br", "b", "i", "em", "strong", "code", "pre"],
];
const SAFE_ATTRIBUTES = ["colspan", "rowspan", "scope", "title", "dir", "lang"];

const purify = DOMPurify(window);

/** What a value that is only a table has in its HTML: DataFrames of pandas and polars, tables written by hand. */
const PLAIN_ELEMENTS = new Set(["html", "head", "body", ...SAFE_TAGS]);

/** Larger HTML is left to the frame, where it cannot hold up the page. */
const LONGEST_HTML = 2_000_000;

const NUMBER = /^[-+−]?(?:[\d,_\s]*\.?\d+(?:e[-+]?\d+)?\s?%?|nan|inf|-inf|<na>|none|null)$/i;

/** Whether a style sheet is about DataFrames alone, as pandas and polars send it; the page has its own. */
function stylesDataFrames(css: string): boolean {
  const selectors = css.replace(/\/\*[\s\S]*?\*\//g, "").match(/[^{}]+(?=\{)/g) ?? [];
  return selectors.every((list) => list.split(",").every((one) => one.includes(".dataframe")));
}

/** Without what pandas and polars send for looks alone; undefined if HTML has styles of its own. */
function unstyled(html: string): string | undefined {
  const sheets = [...html.matchAll(/<style\b[^>]*>([\s\S]*?)<\/style\s*>/gi)];
  if (!sheets.every(([, css = ""]) => stylesDataFrames(css))) return undefined;
  const bare = sheets.reduce((rest, [sheet]) => rest.replace(sheet, ""), html);
  return bare.replace(/(<t[rhd]\b[^>]*?)\sstyle="text-align: ?\w+;?"/gi, "$1");
}

function isPlainTable(page: Document): boolean {
  if (page.querySelector("table") === null) return false;
  for (const element of page.querySelectorAll("*")) {
    if (!PLAIN_ELEMENTS.has(element.localName)) return false;
    for (const { name } of element.attributes) {
      if (name === "style" || name.startsWith("on")) return false;
    }
  }
  return true;
}

function markNumbers(table: HTMLTableElement): void {
  for (const cell of table.querySelectorAll("td")) {
    if (NUMBER.test(cell.textContent.trim())) cell.classList.add("data-table-number");
  }
  const body = table.tBodies[0]?.rows[0];
  for (const row of table.tHead?.rows ?? []) {
    for (const [index, cell] of [...row.cells].entries()) {
      if (cell.colSpan === 1 && body?.cells[index]?.classList.contains("data-table-number")) {
        cell.classList.add("data-table-number");
      }
    }
  }
}

/** A table for the page, if HTML is nothing but a table and words about it; undefined if it wants more than that. */
export function dataTable(html: string): DocumentFragment | undefined {
  if (html.length > LONGEST_HTML || !/<table/i.test(html)) return undefined;
  const bare = unstyled(html);
  if (bare === undefined) return undefined;
  if (!isPlainTable(new DOMParser().parseFromString(bare, "text/html"))) return undefined;
  const fragment = purify.sanitize(bare, {
    ALLOWED_TAGS: SAFE_TAGS,
    ALLOWED_ATTR: SAFE_ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const table of fragment.querySelectorAll("table")) {
    table.classList.add("data-table");
    markNumbers(table);
    const scroller = document.createElement("div");
    scroller.className = "data-table-scroller";
    scroller.tabIndex = 0;
    scroller.setAttribute("role", "region");
    scroller.setAttribute("aria-label", "Table");
    table.replaceWith(scroller);
    scroller.append(table);
  }
  return fragment;
}
