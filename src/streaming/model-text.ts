import type { FinishedEvent } from "../kernels/event.js";
import type { Gathered } from "../kernels/gathering.js";
import type { RichOutput } from "../kernels/output.js";
import { stripEscapes, terminalText } from "../kernels/terminal-text.js";

/** Media types of pictures that models take, the best first. */
const IMAGE_TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"] as const;

/** Longest text given to a model, in characters; the middle is cut beyond it. */
export const MODEL_TEXT_LIMIT = 20_000;

export interface ModelImage {
  /** How `text` names it: `image 1`. */
  name: string;
  media_type: string;
  /** Base64. */
  data: string;
}

export interface ModelRendering {
  text: string;
  images: ModelImage[];
}

const ENTITIES: Record<string, string> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  nbsp: " ",
  apos: "'",
};

/** What a reader sees of HTML that came without a plain form: cells apart, rows and blocks on lines of their own. */
function htmlText(html: string): string {
  return html
    .slice(0, 4 * MODEL_TEXT_LIMIT)
    .replace(/<(script|style)\b[^]*?(?:<\/\1\s*>|$)/gi, "")
    .replace(/<\/(?:td|th)\s*>/gi, "\t")
    .replace(/<(?:br|\/tr|\/p|\/div|\/li|\/h[1-6])\b[^>]*>/gi, "\n")
    .replace(/<[^>]*>/g, "")
    .replace(
      /&(?:#(\d{1,7})|([a-z]+));/gi,
      (whole, decimal: string | undefined, name: string | undefined) => {
        if (decimal !== undefined) {
          const point = Number(decimal);
          return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : whole;
        }
        return ENTITIES[name?.toLowerCase() ?? ""] ?? whole;
      },
    )
    .replace(/[ \t]+\n/g, "\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

function asText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (value === undefined) return undefined;
  if (
    typeof value === "object" &&
    value !== null &&
    "text" in value &&
    typeof value.text === "string"
  ) {
    return value.text;
  }
  return JSON.stringify(value);
}

/** The text for one bundle; pictures are taken out into `images`. */
function richText(output: RichOutput, images: ModelImage[]): string {
  const { data } = output;
  const imageType = IMAGE_TYPES.find((type) => typeof data[type] === "string");
  const lines: string[] = [];
  const plain = data["text/markdown"] ?? data["text/plain"];
  if (imageType !== undefined) {
    const name = `image ${images.length + 1}`;
    images.push({ name, media_type: imageType, data: String(data[imageType]).replace(/\s/g, "") });
    const caption = typeof plain === "string" ? ` ${terminalText(plain)}` : "";
    return `[${name}: ${imageType}${caption}]`;
  }
  if (typeof plain === "string") lines.push(terminalText(plain));
  else if (typeof data["text/html"] === "string") lines.push(htmlText(data["text/html"]));
  else if (typeof data["text/latex"] === "string") lines.push(data["text/latex"]);
  else if (data["application/json"] !== undefined) {
    lines.push(asText(data["application/json"]) ?? "");
  } else {
    const types = Object.keys(data);
    if (types.length > 0) lines.push(`[${types.join(", ")}]`);
  }
  if (typeof data["image/svg+xml"] === "string") lines.push("[image/svg+xml]");
  return lines.join("\n");
}

/** Cuts the middle out of a text that is longer than `limit` characters, and says how much it was. */
export function cutMiddle(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const head = Math.ceil(limit * 0.6);
  const tail = limit - head;
  const start = text.slice(0, head).toWellFormed();
  const end = text.slice(text.length - tail).toWellFormed();
  return `${start}\n[… ${text.length - limit} characters left out …]\n${end}`;
}

function ending(finished: FinishedEvent): string {
  const seconds = (finished.duration_ms / 1000).toFixed(1);
  const lost =
    finished.state === "lost"
      ? " The interpreter's state is lost: variables and imports are gone."
      : "";
  const reason = finished.reason === undefined ? "" : ` (${finished.reason})`;
  switch (finished.status) {
    case "ok":
    case "error":
      return "";
    case "interrupted":
      return `[Interrupted after ${seconds} s.${lost}]`;
    case "timed_out":
      return `[Stopped at its deadline after ${seconds} s.${lost}]`;
    case "kernel_died":
      return `[The kernel died${reason}.${lost}]`;
    case "cancelled":
      return `[Cancelled${reason}.${lost}]`;
  }
}

/**
 * What a language model should read of an execution: no escape sequences, progress bars in their last state, tables as
 * text, pictures by name, the middle of long output cut with the count said.
 */
export function renderForModel(gathered: Gathered, limit = MODEL_TEXT_LIMIT): ModelRendering {
  const images: ModelImage[] = [];
  const parts: string[] = [];
  for (const output of gathered.outputs) {
    switch (output.output_type) {
      case "stream":
        parts.push(terminalText(output.text));
        break;
      case "error":
        parts.push(
          stripEscapes(output.traceback.join("\n") || `${output.ename}: ${output.evalue}`),
        );
        break;
      case "display_data":
      case "execute_result":
        parts.push(richText(output, images));
        break;
    }
  }
  if (gathered.dropped_outputs > 0)
    parts.push(`[${gathered.dropped_outputs} further outputs left out]`);
  const end = gathered.finished === undefined ? "" : ending(gathered.finished);
  let text = "";
  for (const part of parts) {
    if (part === "") continue;
    text += text === "" || text.endsWith("\n") ? part : `\n${part}`;
  }
  text = cutMiddle(text, limit);
  if (end !== "") text = text === "" ? end : `${text.replace(/\n$/, "")}\n${end}`;
  return { text, images };
}
