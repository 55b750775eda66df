import { stringifyJson } from "../sandboxes/raw-json.js";
import { htmlText } from "./html-text.js";

/** Longest HTML that is read, in characters. */
const LONGEST_HTML = 80_000;

/** What objects print that have no text of their own: `<IPython.core.display.HTML object>`, `<m.A at 0x7f…>`. */
const NAMELESS = /^<[\w.]{1,200}(?: object)?(?: at 0x[0-9a-f]{1,16})?>$/;

/** Whether a plain form says no more than which class the object is of. */
export const isNameless = (plain: string): boolean => NAMELESS.test(plain.trim());

function asText(value: unknown): string | undefined {
  return value === undefined || typeof value === "string" ? value : stringifyJson(value);
}

/**
 * What a person, or a model, reads of a MIME bundle: its best form that is text, escape sequences and all. `undefined` where
 * it has none.
 */
export function readableText(data: Record<string, unknown>): string | undefined {
  const plain = data["text/plain"];
  const told = typeof plain === "string" && !isNameless(plain);
  for (const text of [data["text/markdown"], told ? plain : undefined]) {
    if (typeof text === "string") return text;
  }
  const html = data["text/html"];
  const read = typeof html === "string" ? htmlText(html.slice(0, LONGEST_HTML)).trim() : "";
  if (read !== "") return read;
  const latex = data["text/latex"];
  if (typeof latex === "string") return latex;
  return asText(data["application/json"]) ?? asText(plain);
}
