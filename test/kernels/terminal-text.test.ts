import { describe, expect, it } from "vitest";
import { stripEscapes, terminalText } from "../../src/kernels/terminal-text.js";

describe("terminal text", () => {
  it.each([
    ["\u001b[31mred\u001b[0m", "red"],
    ["\u001b]0;title\u0007after", "after"],
    ["\u001b]52;c;aGk=\u001b\\after", "after"],
    ["\u001b]8;;http://x\u0007link\u001b]8;;\u0007", "link"],
    ['\u001bP$q"p\u001b\\x', "x"],
    ["\u009b31mred", "red"],
    ["cut \u001b[3", "cut "],
    ["cut \u001b]0;never ends", "cut "],
    ["plain", "plain"],
  ])("has no escape sequences: %j", (raw, plain) => {
    expect(stripEscapes(raw)).toBe(plain);
  });

  it.each([
    ["10%\r20%\r100%\n", "100%\n"],
    ["long line\rshort\n", "shortline\n"],
    ["long line\r\u001b[Kshort\n", "short\n"],
    ["ab\bc", "ac"],
    ["a\r\nb\r\n", "a\nb\n"],
    ["one\ntwo\rTWO\nthree", "one\nTWO\nthree"],
    ["keep\r", "keep"],
    ["\b\bx", "x"],
  ])("folds what was overwritten: %j", (raw, folded) => {
    expect(terminalText(raw)).toBe(folded);
  });

  it("folds a line that was rewritten a hundred thousand times without slowing down", () => {
    const rewrites = Array.from({ length: 100_000 }, (_, index) => `step ${index}`).join("\r");
    expect(terminalText(`${rewrites}\n`)).toBe("step 99999\n");
  });

  it("shows what stands out behind shorter rewrites", () => {
    const rewrites = `${"x".repeat(10)}\r${Array.from({ length: 200 }, () => "ab").join("\r")}`;
    expect(terminalText(rewrites)).toBe("abxxxxxxxx");
  });
});
