/**
 * How a run of characters looks. The sixteen named colours are classes, so that each theme has its own; others are CSS
 * colours.
 */
export interface AnsiStyle {
  readonly classes: string;
  readonly color?: string;
  readonly background?: string;
}

/** What "Select Graphic Rendition" (ECMA-48, 8.3.117) has set so far. A colour is an index below 16 or a CSS colour. */
interface Rendition {
  foreground?: number | string | undefined;
  background?: number | string | undefined;
  bold?: boolean;
  faint?: boolean;
  italic?: boolean;
  underline?: boolean;
  inverse?: boolean;
  conceal?: boolean;
  strike?: boolean;
}

const LEVELS = [0, 95, 135, 175, 215, 255] as const;

function byte(value: number | undefined): number {
  return Math.min(255, Math.max(0, value ?? 0));
}

/** A colour of xterm's palette of 256: 16 named, a cube of 6 × 6 × 6, 24 greys. */
function paletteColor(index: number): number | string {
  if (index < 16) return index;
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return `rgb(${grey}, ${grey}, ${grey})`;
  }
  const cube = index - 16;
  const level = (position: number) => LEVELS[position % 6] ?? 0;
  return `rgb(${level(Math.floor(cube / 36))}, ${level(Math.floor(cube / 6))}, ${level(cube)})`;
}

/** The colour that follows a 38 or 48, and how many parameters it takes. */
function extendedColor(
  parameters: readonly number[],
  at: number,
): { color: number | string | undefined; length: number } {
  if (parameters[at] === 5) return { color: paletteColor(byte(parameters[at + 1])), length: 2 };
  if (parameters[at] === 2) {
    const [red, green, blue] = [1, 2, 3].map((offset) => byte(parameters[at + offset]));
    return { color: `rgb(${red ?? 0}, ${green ?? 0}, ${blue ?? 0})`, length: 4 };
  }
  return { color: undefined, length: 1 };
}

/** The rendition after an SGR sequence with these parameters. */
function applyRendition(before: Rendition, parameters: readonly number[]): Rendition {
  let after: Rendition = { ...before };
  for (let at = 0; at < parameters.length; at += 1) {
    const code = parameters[at] ?? 0;
    if (code === 0) after = {};
    else if (code === 1) after.bold = true;
    else if (code === 2) after.faint = true;
    else if (code === 3) after.italic = true;
    else if (code === 4) after.underline = true;
    else if (code === 7) after.inverse = true;
    else if (code === 8) after.conceal = true;
    else if (code === 9) after.strike = true;
    else if (code === 22) after = { ...after, bold: false, faint: false };
    else if (code === 23) after.italic = false;
    else if (code === 24) after.underline = false;
    else if (code === 27) after.inverse = false;
    else if (code === 28) after.conceal = false;
    else if (code === 29) after.strike = false;
    else if (code >= 30 && code <= 37) after.foreground = code - 30;
    else if (code === 39) after.foreground = undefined;
    else if (code >= 40 && code <= 47) after.background = code - 40;
    else if (code === 49) after.background = undefined;
    else if (code >= 90 && code <= 97) after.foreground = code - 82;
    else if (code >= 100 && code <= 107) after.background = code - 92;
    else if (code === 38 || code === 48) {
      const { color, length } = extendedColor(parameters, at + 1);
      if (code === 38) after.foreground = color;
      else after.background = color;
      at += length;
    }
  }
  return after;
}

/** The style of a rendition; undefined for plain text. */
function styleOf(rendition: Rendition): AnsiStyle | undefined {
  const { inverse } = rendition;
  const color = inverse ? rendition.background : rendition.foreground;
  const background = inverse ? rendition.foreground : rendition.background;
  const classes = [
    typeof color === "number" && `ansi-color-${color}`,
    typeof background === "number" && `ansi-background-${background}`,
    typeof color === "string" && background === undefined && "ansi-own-color",
    inverse && color === undefined && "ansi-inverse-color",
    inverse && background === undefined && "ansi-inverse-background",
    rendition.bold && "ansi-bold",
    rendition.faint && "ansi-faint",
    rendition.italic && "ansi-italic",
    rendition.underline && "ansi-underline",
    rendition.strike && "ansi-strike",
    rendition.conceal && "ansi-conceal",
  ]
    .filter((name) => typeof name === "string")
    .join(" ");
  const ownColor = typeof color === "string" ? color : undefined;
  const ownBackground = typeof background === "string" ? background : undefined;
  if (classes === "" && ownColor === undefined && ownBackground === undefined) return undefined;

  return {
    classes,
    ...(ownColor !== undefined && { color: ownColor }),
    ...(ownBackground !== undefined && { background: ownBackground }),
  };
}

/** A rendition, its style, and the renditions that sequences lead to from it, as far as they have been met. */
export interface AnsiState {
  readonly style: AnsiStyle | undefined;
  /** The state after the sequence with this parameter text: "1;31". */
  after: (parameters: string) => AnsiState;
}

/** A program can name sixteen million colours: of each state so many ways on are remembered. */
const MOST_REMEMBERED = 256;

function stateOf(rendition: Rendition): AnsiState {
  const known = new Map<string, AnsiState>();
  return {
    style: styleOf(rendition),
    after: (parameters) => {
      if (/^[0;]*$/.test(parameters)) return PLAIN;
      const met = known.get(parameters);
      if (met) return met;
      const numbers = parameters.split(/[;:]/).map((text) => Number.parseInt(text, 10) || 0);
      const state = stateOf(applyRendition(rendition, numbers));
      if (known.size >= MOST_REMEMBERED) known.clear();
      known.set(parameters, state);
      return state;
    },
  };
}

/** Where all text begins. */
export const PLAIN: AnsiState = stateOf({});
