import { type AnsiState, PLAIN } from "./ansi-style.js";
import { erased, overwritten, type TerminalRow } from "./terminal-row.js";

/** A longer line goes on in a further row, as in a terminal: no row is too long to lay out. */
const MOST_COLUMNS = 8192;

/** Above this many rows the earliest are let go, some at a time. Browsers lay out no more than about 33 million pixels. */
const MOST_ROWS = 1_000_000;
const ROWS_LET_GO = 100_000;

/** An escape sequence that is longer than this without an end is none. */
const LONGEST_SEQUENCE = 4096;

// eslint-disable-next-line no-control-regex -- control characters are what this matches
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;

/** Control sequences, then strings (OSC, DCS, SOS, PM, APC) up to their terminator, then two-character escapes. */
const SEQUENCE =
  // eslint-disable-next-line no-control-regex -- as above
  /(?:\u001b\[|\u009b)([0-?]*)[ -/]*([@-~])|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-Z\\`-~]/y;

/** The beginning of such a sequence, as far as the text goes. */
const UNFINISHED =
  // eslint-disable-next-line no-control-regex -- as above
  /^(?:\u001b[ -/]*|(?:\u001b\[|\u009b)[0-?]*[ -/]*|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*\u001b?)$/;

/**
 * Text as a terminal of endless height shows it: colours, and what carriage returns, backspaces and cursor movements
 * overwrite. Text is written as it arrives; what was written is never read again.
 */
export class TerminalScreen {
  #rows: TerminalRow[] = [""];
  #row = 0;
  #column = 0;
  #letGo = 0;
  #state: AnsiState = PLAIN;
  #unfinished = "";

  /** The rows; an empty last row, after a line's end, is not counted. */
  get rowCount(): number {
    return this.#rows.at(-1) === "" ? this.#rows.length - 1 : this.#rows.length;
  }

  /** How many rows there were before the first that is still held. */
  get letGo(): number {
    return this.#letGo;
  }

  row(index: number): TerminalRow {
    return this.#rows[index] ?? "";
  }

  write(chunk: string): void {
    const text = this.#unfinished + chunk;
    this.#unfinished = "";
    let from = 0;
    while (from < text.length) {
      CONTROL.lastIndex = from;
      const at = CONTROL.exec(text)?.index ?? text.length;
      if (at > from) this.#put(text.slice(from, at));
      if (at === text.length) return;
      const code = text.charCodeAt(at);
      from = at + 1;
      if (code === 10) this.#lineFeed();
      else if (code === 13) this.#column = 0;
      else if (code === 8) this.#column = Math.max(0, this.#column - 1);
      else if (code === 0x1b || code >= 0x80) {
        const end = this.#sequence(text, at);
        if (end === undefined) {
          this.#unfinished = text.slice(at);
          return;
        }
        from = end;
      }
    }
  }

  #put(text: string): void {
    let rest = text;
    while (rest !== "") {
      if (this.#column >= MOST_COLUMNS) this.#lineFeed();
      const part = rest.slice(0, MOST_COLUMNS - this.#column);
      const row = this.#rows[this.#row] ?? "";
      this.#rows[this.#row] = overwritten(row, this.#column, part, this.#state.style);
      this.#column += part.length;
      rest = rest.slice(part.length);
    }
  }

  #lineFeed(): void {
    this.#column = 0;
    this.#row += 1;
    if (this.#row < this.#rows.length) return;
    this.#rows.push("");
    if (this.#rows.length > MOST_ROWS) {
      this.#rows = this.#rows.slice(ROWS_LET_GO);
      this.#row -= ROWS_LET_GO;
      this.#letGo += ROWS_LET_GO;
    }
  }

  /** Where the text goes on after the sequence that begins at `at`; undefined if the sequence is not complete. */
  #sequence(text: string, at: number): number | undefined {
    SEQUENCE.lastIndex = at;
    const match = SEQUENCE.exec(text);
    if (match === null) {
      const rest = text.slice(at, at + LONGEST_SEQUENCE + 1);
      return rest.length <= LONGEST_SEQUENCE && UNFINISHED.test(rest) ? undefined : at + 1;
    }
    const [whole, parameters, final] = match;
    if (parameters !== undefined && final !== undefined) this.#control(final, parameters);
    return at + whole.length;
  }

  #control(final: string, text: string): void {
    if (final === "m") {
      this.#state = this.#state.after(text);
      return;
    }
    const parameters = text.split(/[;:]/).map((parameter) => Number.parseInt(parameter, 10) || 0);
    const count = Math.max(1, parameters[0] ?? 1);
    switch (final) {
      case "A":
      case "F":
        this.#row = Math.max(0, this.#row - count);
        if (final === "F") this.#column = 0;
        break;
      case "B":
      case "E":
        this.#row = Math.min(this.#rows.length - 1, this.#row + count);
        if (final === "E") this.#column = 0;
        break;
      case "C":
        this.#column = Math.min(MOST_COLUMNS - 1, this.#column + count);
        break;
      case "D":
        this.#column = Math.max(0, this.#column - count);
        break;
      case "G":
        this.#column = Math.min(MOST_COLUMNS, count) - 1;
        break;
      case "H":
        this.#row = Math.min(this.#rows.length, count) - 1;
        this.#column = Math.min(MOST_COLUMNS, Math.max(1, parameters[1] ?? 1)) - 1;
        break;
      case "J":
        this.#eraseScreen(parameters[0] ?? 0);
        break;
      case "K":
        this.#eraseLine(parameters[0] ?? 0);
        break;
    }
  }

  #eraseLine(mode: number): void {
    const row = this.#rows[this.#row] ?? "";
    if (mode === 2) this.#rows[this.#row] = "";
    else this.#rows[this.#row] = erased(row, mode === 1 ? "before" : "after", this.#column);
  }

  #eraseScreen(mode: number): void {
    if (mode >= 2) {
      this.#rows = [""];
      this.#row = 0;
      this.#column = 0;
    } else if (mode === 0) {
      this.#eraseLine(0);
      this.#rows.length = this.#row + 1;
    }
  }
}
