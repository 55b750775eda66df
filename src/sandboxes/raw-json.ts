/// <reference lib="es2024.string" />
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  SPACE,
} from "./json-syntax.js";

const MAX_DEPTH = 64;

/** JSON text from a sandbox that was checked and is passed on without being parsed. */
export class RawJson {
  /** A whole JSON value: valid, at most 64 levels deep, without control characters or lone surrogates. */
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  /** Checks a text in one pass. Null when it is not JSON, too deep, or holds a control character. */
  static from(text: string): RawJson | null {
    const wellFormed = text.toWellFormed();
    return isJsonText(wellFormed) ? new RawJson(withoutLoneEscapes(wellFormed)) : null;
  }

  /** The parsed value, for callers that use `JSON.stringify`; {@link stringifyJson} is cheaper. */
  toJSON(): unknown {
    return JSON.parse(this.text) as unknown;
  }
}

/** `JSON.stringify`, except that raw JSON anywhere in the value is spliced in as it is. */
export function stringifyJson(value: unknown): string {
  if (value instanceof RawJson) return value.text;
  if (!holdsRawJson(value)) return JSON.stringify(value);
  if (Array.isArray(value))
    return `[${value.map((item) => stringifyJson(item ?? null)).join(",")}]`;
  const members = Object.entries(value as object)
    .filter(([, member]) => member !== undefined)
    .map(([key, member]) => `${JSON.stringify(key)}:${stringifyJson(member)}`);
  return `{${members.join(",")}}`;
}

function holdsRawJson(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (value instanceof RawJson) return true;
  return (Array.isArray(value) ? value : Object.values(value)).some(holdsRawJson);
}

/** Replaces `\uD800`-like escapes without partner: strict readers refuse them. */
function withoutLoneEscapes(text: string): string {
  if (!/\\u[dD][89a-fA-F]/.test(text)) return text;
  const escape = /\\(?:u([0-9a-fA-F]{4})(?:\\u([dD][c-fC-F][0-9a-fA-F]{2}))?|.)/g;
  return text.replace(escape, (whole: string, first?: string, second?: string) => {
    if (first === undefined) return whole;
    const unit = parseInt(first, 16);
    if (unit >= 0xd800 && unit <= 0xdbff) return second === undefined ? "\\ufffd" : whole;
    const tail = second === undefined ? "" : "\\ufffd";
    return unit >= 0xdc00 && unit <= 0xdfff ? `\\ufffd${tail}` : `\\u${first}${tail}`;
  });
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** RFC 8259 syntax in one pass without building the value; white space may only be spaces. */
function isJsonText(text: string): boolean {
  /** Closing characters of what is open, innermost last. */
  const open: number[] = [];
  let at = 0;
  for (;;) {
    // Expect a value.
    at = skipSpaces(text, at);
    const first = text.charCodeAt(at);
    if (first === OPEN_BRACE || first === OPEN_BRACKET) {
      if (open.length === MAX_DEPTH) return false;
      const close = first === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET;
      at = skipSpaces(text, at + 1);
      if (text.charCodeAt(at) !== close) {
        open.push(close);
        if (close === CLOSE_BRACE) at = afterKey(text, at);
        if (at < 0) return false;
        continue;
      }
      at += 1;
    } else {
      at = afterScalar(text, at);
      if (at < 0) return false;
    }
    // After a value: close what ends here, then a comma or the end.
    for (;;) {
      at = skipSpaces(text, at);
      const innermost = open.at(-1);
      if (innermost === undefined) return at === text.length;
      const next = text.charCodeAt(at);
      at += 1;
      if (next === innermost) {
        open.pop();
        continue;
      }
      if (next !== COMMA) return false;
      if (innermost === CLOSE_BRACE) at = afterKey(text, skipSpaces(text, at));
      if (at < 0) return false;
      break;
    }
  }
}

function skipSpaces(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === SPACE) at += 1;
  return at;
}

/** The index behind `"key":`, or -1. */
function afterKey(text: string, from: number): number {
  if (text.charCodeAt(from) !== QUOTE) return -1;
  const end = afterString(text, from);
  if (end < 0) return -1;
  const at = skipSpaces(text, end);
  return text.charCodeAt(at) === COLON ? at + 1 : -1;
}

function afterScalar(text: string, from: number): number {
  switch (text[from]) {
    case '"':
      return afterString(text, from);
    case "t":
      return text.startsWith("true", from) ? from + 4 : -1;
    case "f":
      return text.startsWith("false", from) ? from + 5 : -1;
    case "n":
      return text.startsWith("null", from) ? from + 4 : -1;
    default:
      NUMBER.lastIndex = from;
      return NUMBER.test(text) ? NUMBER.lastIndex : -1;
  }
}

function afterString(text: string, from: number): number {
  let at = from + 1;
  for (;;) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) return at + 1;
    if (unit === BACKSLASH) {
      ESCAPE.lastIndex = at;
      if (!ESCAPE.test(text)) return -1;
      at = ESCAPE.lastIndex;
    } else if (unit >= SPACE) {
      at += 1;
    } else {
      // A control character, or NaN past the end.
      return -1;
    }
  }
}
