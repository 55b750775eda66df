/**
 * Escape sequences of ECMA-48: CSI (with its parameters), OSC, DCS, SOS, PM and APC (up to their terminator), and
 * two-character escapes. A sequence that is cut off by the end of the text is dropped as well.
 */
const ESCAPE_SEQUENCES =
  // eslint-disable-next-line no-control-regex -- control characters are what this matches
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*(?:[@-~]|$)|(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c|$)|\u001b[ -/]*(?:[0-~]|$)/g;

/** Erase in line (EL): what progress bars send before they write a line again. */
// eslint-disable-next-line no-control-regex -- as above
const ERASE_LINE = /\u001b\[[012]?K/g;

const ERASE_MARK = "\ue0ff";

/** The text without escape sequences. */
export function stripEscapes(text: string): string {
  // eslint-disable-next-line no-control-regex -- as above
  if (!/[\u001b\u0080-\u009f]/.test(text)) return text;
  return text.replace(ESCAPE_SEQUENCES, "");
}

function overwrite(line: string): string {
  let cells: string[] = [];
  let column = 0;
  for (const character of line) {
    if (character === "\r") column = 0;
    else if (character === "\b") column = Math.max(0, column - 1);
    else if (character === ERASE_MARK) cells = cells.slice(0, column);
    else {
      while (cells.length < column) cells.push(" ");
      cells[column] = character;
      column += 1;
    }
  }
  return cells.join("").trimEnd();
}

/**
 * The text as a terminal would show it in the end: escape sequences gone, carriage returns and backspaces applied, so
 * that a progress bar leaves its last state.
 */
export function terminalText(text: string): string {
  const plain = stripEscapes(text.includes("\u001b") ? text.replace(ERASE_LINE, ERASE_MARK) : text);
  if (!/[\r\b\ue0ff]/.test(plain)) return plain;
  return plain
    .replaceAll("\r\n", "\n")
    .split("\n")
    .map((line) => (/[\r\b\ue0ff]/.test(line) ? overwrite(foldRewrites(line)) : line))
    .join("\n");
}

/** Of a line rewritten thousands of times only the last rewrites can show through: earlier ones are covered. */
function foldRewrites(line: string): string {
  const parts = line.split("\r");
  if (parts.length < 64) return line;
  let longest = 0;
  const kept: string[] = [];
  for (let index = parts.length - 1; index >= 0; index -= 1) {
    const part = parts[index] ?? "";
    if (part.length > longest || kept.length === 0) {
      kept.unshift(part);
      longest = Math.max(longest, part.length);
    }
    if (part.includes(ERASE_MARK) && kept.length > 1) break;
  }
  return kept.join("\r");
}
