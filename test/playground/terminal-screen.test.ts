import { describe, expect, it } from "vitest";
import { segmentsOf, textOf } from "../../playground/src/outputs/terminal-row.js";
import { TerminalScreen } from "../../playground/src/outputs/terminal-screen.js";

function shown(...chunks: string[]): string[] {
  const screen = new TerminalScreen();
  for (const chunk of chunks) screen.write(chunk);
  return Array.from({ length: screen.rowCount }, (_, index) => textOf(screen.row(index)));
}

function styled(text: string) {
  const screen = new TerminalScreen();
  screen.write(text);
  return segmentsOf(screen.row(0));
}

describe("a terminal's rows", () => {
  it.each([
    ["lines", ["a\nb\n"], ["a", "b"]],
    ["a line without an end", ["a\nb"], ["a", "b"]],
    ["an empty line between", ["a\n\nb\n"], ["a", "", "b"]],
    ["line ends of two characters", ["a\r\nb\r\n"], ["a", "b"]],
    ["what a carriage return overwrites", [" 10%\r100%\n"], ["100%"]],
    ["what stays of a longer line", ["abcdef\rXY\n"], ["XYcdef"]],
    ["what a backspace overwrites", ["ab\bc\n"], ["ac"]],
    ["an erased line", ["abcdef\r\u001b[Kxy\n"], ["xy"]],
    ["a line erased before the cursor", ["abcdef\u001b[3D\u001b[1Kx"], ["   xef"]],
    ["several bars", ["a 0\nb 0\n\u001b[2Aa 1\nb 1\n"], ["a 1", "b 1"]],
    ["a cursor further right", ["a\u001b[3Cb"], ["a   b"]],
    ["a column", ["abc\u001b[2Gx"], ["axc"]],
    ["a cleared screen", ["a\nb\u001b[2J\u001b[Hc"], ["c"]],
    ["a sequence in two chunks", ["a\u001b[3", "1mb\u001b", "[0mc"], ["abc"]],
    ["a link's text", ["\u001b]8;;http://x\u0007text\u001b]8;;\u0007"], ["text"]],
    ["no bells and nulls", ["a\u0007\u0000b"], ["ab"]],
    ["text after what is no sequence", ["\u001b[3\ntext\n"], ["[3", "text"]],
  ])("show %s", (_, chunks, rows) => {
    expect(shown(...chunks)).toEqual(rows);
  });

  it("are the same however the text is cut", () => {
    const text =
      "one\r\ntwo \u001b[31mred\u001b[0m\n\u001b[1A\u001b[2Kover\rO\n\u001b]0;title\u0007end";
    expect(shown(...Array.from(text))).toEqual(shown(text));
  });

  it("go on in a further row where a line is very long", () => {
    const rows = shown("x".repeat(20_000));
    expect(rows.map(({ length }) => length)).toEqual([8192, 8192, 3616]);
  });

  it("are let go from the beginning when there are too many", () => {
    const screen = new TerminalScreen();
    for (let block = 0; block < 11; block += 1) {
      let text = "";
      for (let line = 0; line < 100_000; line += 1) text += `${block * 100_000 + line}\n`;
      screen.write(text);
    }
    expect(screen.rowCount + screen.letGo).toBe(1_100_000);
    expect(screen.rowCount).toBeLessThanOrEqual(1_000_000);
    expect(screen.row(0)).toBe(String(screen.letGo));
  });

  it("bound what a cursor can be moved by", () => {
    expect(shown("\u001b[999999999Cx\u001b[999999999Ay\u001b[999999999B")[0]).toHaveLength(8192);
  });
});

describe("styles", () => {
  it("are named for the sixteen colours", () => {
    expect(styled("\u001b[1;31mbold\u001b[22;92mgreen\u001b[mplain")).toEqual([
      { text: "bold", style: { classes: "ansi-color-1 ansi-bold" } },
      { text: "green", style: { classes: "ansi-color-10" } },
      { text: "plain", style: undefined },
    ]);
  });

  it.each([
    ["38;5;9", { classes: "ansi-color-9" }],
    ["38;5;202", { classes: "ansi-own-color", color: "rgb(255, 95, 0)" }],
    ["38;5;244", { classes: "ansi-own-color", color: "rgb(128, 128, 128)" }],
    ["38;2;1;2;3", { classes: "ansi-own-color", color: "rgb(1, 2, 3)" }],
    ["48;2;1;2;999", { classes: "", background: "rgb(1, 2, 255)" }],
    ["41", { classes: "ansi-background-1" }],
    ["7", { classes: "ansi-inverse-color ansi-inverse-background" }],
    ["3;4;9", { classes: "ansi-italic ansi-underline ansi-strike" }],
    ["31;39", undefined],
  ])("of %s", (parameters, style) => {
    expect(styled(`\u001b[${parameters}mx`)[0]?.style).toEqual(style);
  });

  it("stay where they were when text is written over", () => {
    expect(styled("\u001b[31mabc\u001b[0m\rX")).toEqual([
      { text: "X", style: undefined },
      { text: "bc", style: { classes: "ansi-color-1" } },
    ]);
  });
});
