import { stringifyJson } from "../sandboxes/raw-json.js";
import { htmlText } from "./html-text.js";

/** Longest HTML that is read, in characters. */
const LONGEST_HTML = 80_000;

/** What IPython calls its own classes' objects that have no plain form: it tells nothing. */
const NAMELESS = /^<IPython\.core\.display\.\w+ object>$/;

function asText(value: unknown): string | undefined {
  return value === undefined || typeof value === "string" ? value : stringifyJson(value);
}

/**
 * What a person, or a model, reads of a MIME bundle: its best form that is text, escape sequences and all. `undefined` where
 * it has none.
 */
export function readableText(data: Record<string, unknown>): string | undefined {
  const plain = data["text/plain"];
  const told = typeof plain === "string" && !NAMELESS.test(plain.trim());
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
