/** How a representation is drawn. */
export type Drawing =
  "isolated" | "html" | "markdown" | "latex" | "svg" | "raster" | "json" | "text";

/** The types that can be drawn, best first. Kernels send several representations of a value: one is drawn. */
const RANKED: readonly (readonly [RegExp, Drawing])[] = [
  [/^application\/vnd\.plotly\.v1\+json$/, "isolated"],
  [/^application\/vnd\.vegalite\.v[456](\.\d+)*\+json$/, "isolated"],
  [/^application\/vnd\.vega\.v[56](\.\d+)*\+json$/, "isolated"],
  [/^text\/html$/, "html"],
  [/^text\/markdown$/, "markdown"],
  [/^text\/latex$/, "latex"],
  [/^image\/svg\+xml$/, "svg"],
  [/^image\/(png|jpeg|gif|webp)$/, "raster"],
  [/^application\/(json|geo\+json)$/, "json"],
  [/^(application|text)\/javascript$/, "isolated"],
  [/^text\/plain$/, "text"],
];

export interface MimeChoice {
  readonly mime: string;
  readonly drawing: Drawing;
}

/** The best of these media types that can be drawn. */
export function chooseMime(types: readonly string[]): MimeChoice | undefined {
  for (const [pattern, drawing] of RANKED) {
    const mime = types.find((type) => pattern.test(type));
    if (mime !== undefined) return { mime, drawing };
  }
  // A type that is JSON by its name reads better as a tree than not at all.
  const mime = types.find((type) => /^application\/[\w.+-]+\+json$/.test(type));
  return mime === undefined || /widget-view/.test(mime) ? undefined : { mime, drawing: "json" };
}

/** A value of a bundle as text: notebooks hold long strings as lists of lines. */
export function textValue(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((line) => typeof line === "string"))
    return value.join("");
  return JSON.stringify(value, undefined, 2);
}

/** A value of a bundle whose type is JSON; undefined if it is text that is not. */
export function jsonValue(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
