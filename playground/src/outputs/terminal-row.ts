import type { AnsiStyle } from "./ansi-style.js";

/** Characters that look the same, side by side. */
export interface Segment {
  readonly text: string;
  readonly style: AnsiStyle | undefined;
}

/** A row of text. Most rows of most outputs are plain, which a string says with the least memory. */
export type TerminalRow = string | Segment[];

export function segmentsOf(row: TerminalRow): readonly Segment[] {
  if (typeof row !== "string") return row;
  return row === "" ? [] : [{ text: row, style: undefined }];
}

export function textOf(row: TerminalRow): string {
  return typeof row === "string" ? row : row.map(({ text }) => text).join("");
}

function lengthOf(row: TerminalRow): number {
  if (typeof row === "string") return row.length;
  let length = 0;
  for (const { text } of row) length += text.length;
  return length;
}

function append(segments: Segment[], text: string, style: AnsiStyle | undefined): void {
  if (text === "") return;
  const last = segments.at(-1);
  if (last?.style === style && last) {
    segments[segments.length - 1] = { text: last.text + text, style };
  } else {
    segments.push({ text, style });
  }
}

function appendSlice(to: Segment[], row: TerminalRow, start: number, end: number): void {
  let offset = 0;
  for (const { text, style } of segmentsOf(row)) {
    append(to, text.slice(Math.max(0, start - offset), Math.max(0, end - offset)), style);
    offset += text.length;
  }
}

function compact(segments: Segment[]): TerminalRow {
  if (segments.length === 0) return "";
  const [first] = segments;
  return segments.length === 1 && first?.style === undefined && first ? first.text : segments;
}

/**
 * The row with `text` written over it from `column` on; a gap before it becomes spaces. The row given is not to be used any
 * more: text at its end is added to it.
 */
export function overwritten(
  row: TerminalRow,
  column: number,
  text: string,
  style: AnsiStyle | undefined,
): TerminalRow {
  const length = lengthOf(row);
  if (typeof row === "string" && column === length && style === undefined) return row + text;
  const segments: Segment[] = column >= length && typeof row !== "string" ? row : [];
  if (segments !== row) appendSlice(segments, row, 0, column);
  if (column > length) append(segments, " ".repeat(column - length), undefined);
  append(segments, text, style);
  if (column + text.length < length) appendSlice(segments, row, column + text.length, length);
  return compact(segments);
}

/** The row without what stands after `column`, or with spaces for what stands before it. */
export function erased(row: TerminalRow, part: "after" | "before", column: number): TerminalRow {
  const segments: Segment[] = [];
  if (part === "after") {
    appendSlice(segments, row, 0, column);
  } else {
    append(segments, " ".repeat(Math.min(column, lengthOf(row))), undefined);
    appendSlice(segments, row, column, lengthOf(row));
  }
  return compact(segments);
}
