import { textValue } from "./mime-choice.js";
import { Picture } from "./picture.js";

interface ImageOutputProps {
  mime: string;
  value: unknown;
  /** The output's metadata: its entry for the type may have `width`, `height` and `alt`. */
  metadata: Readonly<Record<string, unknown>>;
  /** What the value is in words, where the metadata has none: its `text/plain`. */
  description: string;
}

/** What a picture takes at most, in CSS pixels; larger ones shrink to the cell's width anyway. */
const LARGEST = 10_000;

function pixels(value: unknown): number | undefined {
  const number = typeof value === "string" ? Number.parseFloat(value) : value;
  return typeof number === "number" && number > 0 && number <= LARGEST
    ? Math.round(number)
    : undefined;
}

/** matplotlib and PIL describe pictures by their class and size, in angle brackets: not words for a reader. */
function alternativeOf(own: unknown, description: string): string {
  if (typeof own === "string" && own !== "") return own;
  return description === "" || description.startsWith("<") ? "Picture" : description.slice(0, 300);
}

/**
 * A URL for a picture. A data: URL, also for SVG: within `<img>` an SVG runs no script and loads nothing, and opened by
 * itself a data: URL has an origin of its own, where a blob: URL would have the page's.
 */
function sourceOf(mime: string, value: unknown): string {
  if (mime !== "image/svg+xml") return `data:${mime};base64,${textValue(value).replace(/\s/g, "")}`;
  const svg = textValue(value);
  const named = /<svg[^>]*\sxmlns\s*=/.test(svg)
    ? svg
    : svg.replace(/<svg(?=[\s>])/, '<svg xmlns="http://www.w3.org/2000/svg"');
  return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(named)}`;
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/gif": "gif",
  "image/webp": "webp",
  "image/svg+xml": "svg",
};

/** A raster or SVG picture. */
export function ImageOutput({ mime, value, metadata, description }: ImageOutputProps) {
  const own = metadata[mime];
  const size = (typeof own === "object" && own !== null ? own : metadata) as Record<
    string,
    unknown
  >;
  return (
    <Picture
      source={sourceOf(mime, value)}
      alternative={alternativeOf(size["alt"], description)}
      width={pixels(size["width"])}
      height={pixels(size["height"])}
      fileName={`picture.${EXTENSIONS[mime] ?? "png"}`}
    />
  );
}
