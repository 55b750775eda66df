import type { FinishedEvent } from "../kernels/event.js";
import type { Gathered } from "../kernels/gathering.js";
import type { Output, RichOutput } from "../kernels/output.js";
import { isNameless } from "../kernels/readable-text.js";
import { terminalText } from "../kernels/terminal-text.js";
import { htmlText } from "../kernels/html-text.js";
import {
  MODEL_IMAGE_LIMITS,
  type ModelImage,
  type ModelImageLimits,
  ModelImages,
  sizeText,
} from "./model-image.js";
import { joinWithin } from "./text-budget.js";
import { tracebackText } from "./traceback-text.js";

export type { ModelImage } from "./model-image.js";

/** Longest text given to a model, in characters; middles are cut beyond it. */
export const MODEL_TEXT_LIMIT = 20_000;

/** HTML that is turned into text for one execution, in characters. */
const HTML_LIMIT = 1024 * 1024;

/** A file that a model is told of. */
export interface ModelFile {
  path: string;
  /** Where its bytes are. */
  href?: string | undefined;
  bytes?: number | undefined;
}

export interface ModelTextOptions {
  /** `MODEL_TEXT_LIMIT` characters by default. */
  limit?: number;
  /** `MODEL_IMAGE_LIMITS` by default. */
  images?: Partial<ModelImageLimits>;
  /** Files that the execution has made or changed. */
  files?: readonly ModelFile[];
}

export interface ModelRendering {
  text: string;
  images: ModelImage[];
}

/** A value of a MIME bundle as text: as it is, or its JSON (which the gateway may have kept as text). */
function asText(value: unknown): string {
  if (typeof value === "string") return value;
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

interface LargeValue {
  mime: string;
  bytes: number;
  /** Not there for one that could not be kept, of which the bundle's text says so. */
  href?: string;
}

/** The values of a bundle that were too large for their event and can be fetched, from its metadata. */
function largeValues(metadata: Record<string, unknown>): LargeValue[] {
  const { hotcell } = metadata as { hotcell?: { artifacts?: LargeValue[] } };
  return hotcell?.artifacts?.filter(({ href }) => href !== undefined) ?? [];
}

/** Turns the outputs of one execution into parts of a text, and keeps count of what they may take together. */
class OutputReader {
  #htmlLeft = HTML_LIMIT;

  constructor(private readonly images: ModelImages) {}

  part(output: Output): string {
    switch (output.output_type) {
      case "stream":
        return terminalText(output.text);
      case "error":
        return tracebackText(output);
      case "display_data":
      case "execute_result":
        return this.rich(output);
    }
  }

  rich({ data, metadata }: Pick<RichOutput, "data" | "metadata">): string {
    const plain = plainText(data);
    const large = largeValues(metadata).map(
      ({ mime, bytes, href }) => `[${mime}, ${sizeText(bytes)}: ${href}]`,
    );
    const image = this.images.take(data);
    if (image !== undefined) {
      const caption = plain === undefined ? "" : ` ${plain}`;
      return [`[${image}${caption}]`, ...large].join("\n");
    }
    const text = plain ?? this.#otherText(data);
    const svg = data["image/svg+xml"];
    const drawing =
      typeof svg === "string" ? `[image/svg+xml, ${sizeText(svg.length)}, not shown]` : undefined;
    const parts = [text, drawing, ...large].filter((part) => part !== undefined && part !== "");
    return parts.length > 0 ? parts.join("\n") : namesOf(data);
  }

  /** The text of a bundle that has none for terminals. */
  #otherText(data: Record<string, unknown>): string | undefined {
    const { "text/html": html, "text/latex": latex, "application/json": json } = data;
    if (typeof latex === "string") return latex;
    if (typeof html === "string") {
      if (html.length > this.#htmlLeft) return `[text/html, ${sizeText(html.length)}, not shown]`;
      this.#htmlLeft -= html.length;
      return htmlText(html) || undefined;
    }
    return json === undefined ? undefined : asText(json);
  }
}

/** Markdown or plain text, where it says more than which class the object is of. */
function plainText(data: Record<string, unknown>): string | undefined {
  const { "text/markdown": markdown, "text/plain": plain } = data;
  if (typeof markdown === "string") return terminalText(markdown);
  if (typeof plain !== "string") return undefined;
  return isNameless(plain) && Object.keys(data).length > 1 ? undefined : terminalText(plain);
}

function namesOf(data: Record<string, unknown>): string {
  const types = Object.keys(data).filter((type) => type !== "text/plain");
  return types.length === 0 ? "" : `[${types.join(", ")}]`;
}

/** What the model must know before it reads: that the variables it counts on are gone. */
function beginning({ started }: Gathered): string {
  const replaced = started?.state === "fresh" && started.generation > 1;
  return replaced ? "[This ran in a new interpreter: earlier variables and imports are gone.]" : "";
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

function fileText({ path, href, bytes }: ModelFile): string {
  const size = bytes === undefined ? "" : `, ${sizeText(bytes)}`;
  return `[file ${path}${size}${href === undefined ? "" : `: ${href}`}]`;
}

/**
 * What a language model should read of an execution: text and Markdown before HTML, tables aligned, tracebacks without
 * colours and without the frames of what runs the cell, progress bars in their last state, pictures by name and within
 * limits, files by name and link, the middle of long output cut with the count said.
 */
export function renderForModel(gathered: Gathered, options: ModelTextOptions = {}): ModelRendering {
  const images = new ModelImages({ ...MODEL_IMAGE_LIMITS, ...options.images });
  const reader = new OutputReader(images);
  const parts = gathered.outputs.map((output) => reader.part(output));
  for (const update of gathered.updates) {
    parts.push(`[An earlier output was changed to:]\n${reader.rich(update)}`);
  }
  if (gathered.dropped_outputs > 0) {
    parts.push(`[${gathered.dropped_outputs} further outputs left out]`);
  }
  const around = {
    before: beginning(gathered),
    after: [
      ...(options.files ?? []).map(fileText),
      gathered.finished === undefined ? "" : ending(gathered.finished),
    ].filter((line) => line !== ""),
  };
  const text = joinWithin(parts, options.limit ?? MODEL_TEXT_LIMIT);
  const lines = [around.before, text, ...around.after].filter((line) => line !== "");
  return {
    text: lines
      .map((line, index) => (index < lines.length - 1 ? line.replace(/\n$/, "") : line))
      .join("\n"),
    images: images.taken,
  };
}
