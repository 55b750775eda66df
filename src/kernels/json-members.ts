import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from "../sandboxes/json-syntax.js";

/**
 * The members of a JSON object as the bytes that they have in its text, so that what a JavaScript number cannot hold,
 * what is not JSON to us (NaN) and the order of keys pass unchanged. Values are not checked; of equal keys the last counts.
 * Null where the text is no object.
 */
export function jsonMembers(text: Buffer): Map<string, Buffer> | null {
  const members = new Map<string, Buffer>();
  let at = afterSpace(text, 0);
  if (text[at] !== OPEN_BRACE) return null;
  at = afterSpace(text, at + 1);
  if (text[at] === CLOSE_BRACE) return atEnd(text, at + 1) ? members : null;
  for (;;) {
    if (text[at] !== QUOTE) return null;
    const keyEnd = afterString(text, at);
    if (keyEnd < 0) return null;
    const key = text.toString("utf8", at + 1, keyEnd - 1);
    at = afterSpace(text, keyEnd);
    if (text[at] !== COLON) return null;
    const start = afterSpace(text, at + 1);
    const end = afterValue(text, start);
    if (end <= start) return null;
    members.set(key, text.subarray(start, end));
    at = afterSpace(text, end);
    if (text[at] === CLOSE_BRACE) return atEnd(text, at + 1) ? members : null;
    if (text[at] !== COMMA) return null;
    at = afterSpace(text, at + 1);
  }
}

function atEnd(text: Buffer, at: number): boolean {
  return afterSpace(text, at) === text.length;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function afterSpace(text: Buffer, from: number): number {
  let at = from;
  while (isSpace(text[at])) at += 1;
  return at;
}

/** The index behind the string that begins at `from`, or -1. */
function afterString(text: Buffer, from: number): number {
  let at = from + 1;
  for (;;) {
    const quote = text.indexOf(QUOTE, at);
    if (quote < 0) return -1;
    let backslashes = 0;
    while (text[quote - 1 - backslashes] === BACKSLASH && quote - 1 - backslashes > from) {
      backslashes += 1;
    }
    if (backslashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

/** The index behind the value that begins at `from`, or -1. */
function afterValue(text: Buffer, from: number): number {
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const byte = text[at];
    if (byte === QUOTE) {
      at = afterString(text, at);
      if (at < 0) return -1;
      if (depth === 0) return at;
      continue;
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (byte === COMMA || isSpace(byte))) return at;
    at += 1;
  }
  return -1;
}
