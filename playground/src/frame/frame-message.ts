/** What the page tells a frame: what to show, once, and how the page looks, whenever that changes. */
export type PageMessage =
  | {
      readonly type: "render";
      readonly mime: string;
      readonly value: unknown;
      readonly theme: FrameTheme;
    }
  | { readonly type: "theme"; readonly theme: FrameTheme };

/** What a frame tells the page. Code of the output can send these too: none is worth forging. */
export type FrameMessage =
  | { readonly type: "ready" }
  /** The height of the content, in CSS pixels. */
  | { readonly type: "height"; readonly height: number }
  /** Somebody followed a link; the page asks before it opens anything. */
  | { readonly type: "link"; readonly href: string }
  /** The content security policy stopped a request to this host. */
  | { readonly type: "blocked"; readonly host: string }
  /** The renderer could not show the value. */
  | { readonly type: "failed"; readonly reason: string };

export interface FrameTheme {
  readonly scheme: "light" | "dark";
  /** The page's custom properties that a frame uses, by name. */
  readonly properties: Readonly<Record<string, string>>;
}

const LONGEST_HREF = 4096;
const LONGEST_TEXT = 2000;

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

function isText(value: unknown, longest: number): value is string {
  return typeof value === "string" && value.length <= longest;
}

/** A message from a frame, checked: anything can come out of one. A zod schema would weigh more than all of this. */
export function parseFrameMessage(data: unknown): FrameMessage | undefined {
  if (!isFields(data)) return undefined;
  switch (data["type"]) {
    case "ready":
      return { type: "ready" };
    case "height": {
      const { height } = data;
      return typeof height === "number" && Number.isFinite(height) && height >= 0
        ? { type: "height", height }
        : undefined;
    }
    case "link":
      return isText(data["href"], LONGEST_HREF) && isWebUrl(data["href"])
        ? { type: "link", href: new URL(data["href"]).href }
        : undefined;
    case "blocked":
      return isText(data["host"], 253) && /^[\w.:[\]-]+$/.test(data["host"])
        ? { type: "blocked", host: data["host"] }
        : undefined;
    case "failed":
      return isText(data["reason"], LONGEST_TEXT)
        ? { type: "failed", reason: data["reason"] }
        : undefined;
    default:
      return undefined;
  }
}

/** A message from the page, checked: the frame can be opened by itself or by another page. */
export function parsePageMessage(data: unknown): PageMessage | undefined {
  if (!isFields(data)) return undefined;
  const { type, theme, mime, value } = data;
  if (!isTheme(theme)) return undefined;
  if (type === "theme") return { type, theme };
  return type === "render" && typeof mime === "string" ? { type, mime, value, theme } : undefined;
}

function isTheme(theme: unknown): theme is FrameTheme {
  if (!isFields(theme) || !isFields(theme["properties"])) return false;
  return (
    (theme["scheme"] === "light" || theme["scheme"] === "dark") &&
    Object.entries(theme["properties"]).every(
      ([name, value]) => name.startsWith("--") && typeof value === "string",
    )
  );
}

/** Whether a text is an absolute http(s) URL. */
export function isWebUrl(text: string): boolean {
  try {
    return /^https?:$/.test(new URL(text).protocol);
  } catch {
    return false;
  }
}
