import { describe, expect, it } from "vitest";
import { oneLine, terminalFilter } from "../../src/run/terminal-filter.js";

const ALL = { colour: true, eraseLine: true };

function passed(text: string, options = ALL): string {
  return terminalFilter(options).pass(text);
}

describe("a terminal filter", () => {
  it.each([
    ["text of every script", "a é 漢 🎉 \u200d \u{10ffff}"],
    ["newline, tab, carriage return, backspace", "a\n\tb\rc\bd\r\n"],
    ["colours", "\u001b[31mred\u001b[0m\u001b[m \u001b[38;2;1;2;3;48;5;7mx \u001b[4:3m"],
    ["erasing in the line", "\r\u001b[K\u001b[0K\u001b[1K\u001b[2K"],
  ])("lets %s through", (_what, text) => {
    expect(passed(text)).toBe(text);
  });

  it.each([
    ["the title", "\u001b]0;owned\u0007"],
    ["the title, ended by ST", "\u001b]2;owned\u001b\\"],
    ["the clipboard", "\u001b]52;c;aGk=\u0007"],
    ["hyperlinks", "\u001b]8;;file:///etc/passwd\u001b\\"],
    ["device control strings", "\u001bP$qm\u001b\\"],
    ["graphics", "\u001b_Ga=T;AAAA\u001b\\"],
    ["privacy messages and SOS", "\u001b^x\u001b\\\u001bXy\u001b\\"],
    ["clearing the screen", "\u001b[2J\u001b[3J\u001b[H"],
    ["moving the cursor", "\u001b[5;5H\u001b[A\u001b[10G\u001b[s\u001b[u"],
    ["reports", "\u001b[6n\u001b[c\u001b[>c\u001b[?1$p\u001b[18t"],
    ["modes", "\u001b[?1049h\u001b[?25l\u001b[4h\u001b[?2004h"],
    ["what only looks like a colour", "\u001b[>4;2m\u001b[?4m\u001b[1 m\u001b[<1m\u001b[1$m"],
    ["what only looks like erasing", "\u001b[?K\u001b[3K\u001b[1;2K\u001b[ K"],
    ["reset, save, keypad, index", "\u001bc\u001b7\u001b8\u001b=\u001bD\u001bM"],
    ["character sets", "\u001b(0\u001b)B\u001b#8\u001b%G\u001b F"],
    ["C0", "\u0000\u0001\u0005\u0007\u000b\u000c\u000e\u000f\u0010\u0018\u001a\u001f\u007f"],
    ["C1", "\u0084\u0085\u008d\u008e\u0096\u0097"],
    [
      "C1 introducers and what follows",
      "\u009b2J\u009d0;x\u009c\u0090q\u009c\u009fx\u0007\u0098y\u009c",
    ],
    ["colours that begin with C1", "\u009b31m"],
    ["a lone ESC", "\u001b"],
    ["many ESC", "\u001b\u001b\u001b[2J"],
  ])("drops %s", (_what, text) => {
    expect(passed(`<${text}`)).toBe("<");
    expect(passed(`${text}\u001b[m>`)).toBe("\u001b[m>");
  });

  it("finds the same in any two pieces", () => {
    const text =
      "a\u001b[31mb\u001b]0;t\u0007c\u001b[2Jd\u001b(0e\u009b5nf\u001bP1\u001b\\g\r\u001b[Kh\u001b_x\u009ci";
    const whole = passed(text);
    expect(whole).toBe("a\u001b[31mbcdefg\r\u001b[Khi");
    for (let cut = 0; cut <= text.length; cut += 1) {
      const filter = terminalFilter(ALL);
      expect(filter.pass(text.slice(0, cut)) + filter.pass(text.slice(cut))).toBe(whole);
    }
    const filter = terminalFilter(ALL);
    expect(Array.from(text, (character) => filter.pass(character)).join("")).toBe(whole);
  });

  it("keeps an unfinished sequence back, and writes one that passes whole", () => {
    const filter = terminalFilter(ALL);
    expect(["\u001b", "[", "3", "1"].map((part) => filter.pass(part)).join("")).toBe("");
    expect(filter.pass("m")).toBe("\u001b[31m");
  });

  it("goes on with the text where a sequence is broken off", () => {
    expect(passed("\u001b[3\n1m")).toBe("\n1m");
    expect(passed("\u001b[31é")).toBe("é");
    expect(passed("\u001b[31\u0018x")).toBe("x");
    expect(passed("\u001b]0;t\u001b[32mx")).toBe("\u001b[32mx");
    expect(passed("\u001b]0;t\u0018x")).toBe("x");
    expect(passed("\u001b\ny")).toBe("\ny");
  });

  it("drops what is longer than any colour, and holds no more of it", () => {
    const long = "1;".repeat(100_000);
    expect(passed(`\u001b[${long}m.`)).toBe(".");
  });

  it("drops colours and erasing where they are not wanted", () => {
    const text = "\u001b[31mred\u001b[0m\r\u001b[Kx";
    expect(passed(text, { colour: false, eraseLine: true })).toBe("red\r\u001b[Kx");
    expect(passed(text, { colour: false, eraseLine: false })).toBe("red\rx");
  });

  it("takes colours back when there are some, once, and forgets what was begun", () => {
    const filter = terminalFilter(ALL);
    expect(filter.reset()).toBe("");
    filter.pass("\u001b[31mred\u001b]0;never ended");
    expect(filter.reset()).toBe("\u001b[0m");
    expect(filter.reset()).toBe("");
    expect(filter.pass("text")).toBe("text");
    filter.pass("\u001b[8mhidden\u001b[0m");
    expect(filter.reset()).toBe("");
  });

  it("never lets a control character through that is not allowed, whatever comes", () => {
    const alphabet = [
      "\u001b",
      "[",
      "]",
      "\u009b",
      "\u0007",
      "m",
      "K",
      "1",
      ";",
      "\n",
      "x",
      "\\",
      "?",
    ];
    let state = 1;
    const filter = terminalFilter(ALL);
    let out = "";
    for (let index = 0; index < 50_000; index += 1) {
      state = (state * 48_271) % 2_147_483_647;
      out += filter.pass(alphabet[state % alphabet.length] ?? "");
    }
    // eslint-disable-next-line no-control-regex -- control characters are what this is about
    expect(out.replace(/\u001b\[(?:[0-9;:]*m|[012]?K)|\n/g, "")).toMatch(/^[\u0020-\u007e]*$/);
    expect(out).toContain("\u001b[");
  });
});

describe("text from elsewhere in a message", () => {
  it("is one line without control characters, and not long", () => {
    expect(oneLine(" a\nb\t\u001b[31mc\u001b]0;t\u0007\u009b2J d\r\n ")).toBe("a b c d");
    expect(oneLine("x".repeat(2_000))).toBe(`${"x".repeat(500)}…`);
  });
});
