const ESC = "\u001b";
const CANCEL = "\u0018";
const SUBSTITUTE = "\u001a";

/** Longest control sequence that is passed on; colours for text, background and underline fit in. */
const LONGEST_PARAMETERS = 256;

/** What is not text: C0 but for backspace, tab, newline and carriage return, then DEL and C1. */
// eslint-disable-next-line no-control-regex -- control characters are what this matches
const CONTROL = /[\u0000-\u0007\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;

/** What ends a control string, or may: BEL, CAN, SUB, ESC (of ESC \) and ST. */
// eslint-disable-next-line no-control-regex -- as above
const STRING_END = /[\u0007\u0018\u001a\u001b\u009c]/g;

/** Introducers of control strings: DCS, SOS, OSC, PM, APC, as C1 characters and after ESC. */
const STRING_C1 = "\u0090\u0098\u009d\u009e\u009f";
const STRING_ESCAPED = "PX]^_";

export interface TerminalFilterOptions {
  /** Whether colours and other renditions (SGR) pass. */
  colour: boolean;
  /** Whether erasing within the line (EL) passes. */
  eraseLine: boolean;
}

export interface TerminalFilter {
  /** What of the text may reach a terminal. A sequence that is not complete yet is kept back until it is. */
  pass(text: string): string;
  /** Forgets a sequence that is not complete, and returns what takes colours back. */
  reset(): string;
}

function between(character: string, first: string, last: string): boolean {
  return character >= first && character <= last;
}

/**
 * Lets text, newline, tab, carriage return, backspace, SGR and erase-in-line (ECMA-48) through, and nothing else that a
 * terminal acts on: no other control sequence or string, no escape, no C0, no C1. A sequence that passes is written
 * whole, so text of two filters can go to one terminal.
 */
export function terminalFilter(options: TerminalFilterOptions): TerminalFilter {
  let state: "text" | "escape" | "intermediate" | "sequence" | "string" = "text";
  let parameters = "";
  let passable = false;
  let coloured = false;

  const introduce = (control: string): void => {
    if (control === ESC) state = "escape";
    else if (STRING_C1.includes(control)) state = "string";
    else if (control === "\u009b") {
      state = "sequence";
      parameters = "";
      passable = false;
    }
  };

  const sequence = (final: string): string => {
    if (!passable || parameters.length > LONGEST_PARAMETERS) return "";
    if (final === "m" && options.colour && /^[0-9;:]*$/.test(parameters)) {
      coloured = !/^0*$/.test(parameters);
      return `${ESC}[${parameters}m`;
    }
    if (final === "K" && options.eraseLine && /^[012]?$/.test(parameters)) {
      return `${ESC}[${parameters}K`;
    }
    return "";
  };

  /** Takes one character outside of text; `undefined` when it does not belong to what was begun. */
  const take = (character: string): string | undefined => {
    if (state === "sequence") {
      if (between(character, " ", "?")) {
        if (parameters.length <= LONGEST_PARAMETERS) parameters += character;
        return "";
      }
      state = "text";
      return between(character, "@", "~") ? sequence(character) : undefined;
    }
    if (between(character, " ", "/")) {
      state = "intermediate";
      return "";
    }
    const begun = state;
    state = "text";
    if (!between(character, "0", "~")) return undefined;
    if (begun === "escape" && character === "[") {
      state = "sequence";
      parameters = "";
      passable = true;
    } else if (begun === "escape" && STRING_ESCAPED.includes(character)) state = "string";
    return "";
  };

  const nextOf = (pattern: RegExp, text: string, from: number): number => {
    pattern.lastIndex = from;
    return pattern.exec(text)?.index ?? text.length;
  };

  return {
    pass: (text) => {
      let passed = "";
      let at = 0;
      while (at < text.length) {
        if (state === "text" || state === "string") {
          const end = nextOf(state === "text" ? CONTROL : STRING_END, text, at);
          if (state === "text") passed += text.slice(at, end);
          const control = text[end];
          if (control !== undefined) {
            state = "text";
            introduce(control);
          }
          at = end + 1;
          continue;
        }
        const character = text.charAt(at);
        if (character === ESC) state = "escape";
        else if (character === CANCEL || character === SUBSTITUTE) state = "text";
        else {
          const taken = take(character);
          if (taken === undefined) continue;
          passed += taken;
        }
        at += 1;
      }
      return passed;
    },
    reset: () => {
      state = "text";
      const needed = coloured;
      coloured = false;
      return needed ? `${ESC}[0m` : "";
    },
  };
}

/** Longest text from elsewhere in a message of ours, in characters. */
const LONGEST_QUOTE = 500;

/** A text from elsewhere for a message of ours: one line, no control characters at all. */
export function oneLine(text: string, longest = LONGEST_QUOTE): string {
  const plain = terminalFilter({ colour: false, eraseLine: false })
    .pass(text.slice(0, 4 * longest))
    .replace(/[\s\b]+/g, " ")
    .trim();
  return plain.length > longest ? `${plain.slice(0, longest).toWellFormed()}…` : plain;
}
