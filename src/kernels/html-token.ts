/** A piece of HTML: text with its entities decoded, or a tag. Names are in lower case. */
export type HtmlToken =
  { kind: "text"; text: string } | { kind: "open" | "close"; name: string; attributes: string };

/** Elements whose content is no text for readers. */
const UNREAD = new Set(["script", "style", "svg", "template", "noscript", "title", "iframe"]);

const ENTITIES: Record<string, string> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  times: "×",
  middot: "·",
  hellip: "…",
  ndash: "–",
  mdash: "—",
};

function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z]{2,8}));/g,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole;
      const point = decimal === undefined ? parseInt(hex ?? "", 16) : Number(decimal);
      return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : whole;
    },
  );
}

/**
 * Reads HTML from its start to its end, in time proportional to its length whatever it holds. It is no browser's
 * parser: a `>` in an attribute ends its tag.
 */
export function* htmlTokens(html: string): Generator<HtmlToken> {
  /** Past the next `needle`, or the end of all. */
  const past = (needle: string, from: number): number => {
    const index = html.indexOf(needle, from);
    return index < 0 ? html.length : index + needle.length;
  };
  let position = 0;
  while (position < html.length) {
    const open = html.indexOf("<", position);
    const textEnd = open < 0 ? html.length : open;
    if (textEnd > position) {
      yield { kind: "text", text: decodeEntities(html.slice(position, textEnd)) };
    }
    if (open < 0) return;
    if (html.startsWith("<!--", open)) {
      position = past("-->", open + 4);
      continue;
    }
    const next = html[open + 1] ?? "";
    if (!/[A-Za-z/!?]/.test(next)) {
      yield { kind: "text", text: "<" };
      position = open + 1;
      continue;
    }
    position = past(">", open + 1);
    const inside = html.slice(open + 1, html[position - 1] === ">" ? position - 1 : position);
    const name = /^\/?([A-Za-z][A-Za-z0-9-]*)/.exec(inside)?.[1]?.toLowerCase();
    if (name === undefined) continue;
    if (inside.startsWith("/")) {
      yield { kind: "close", name, attributes: "" };
    } else if (UNREAD.has(name) && !inside.endsWith("/")) {
      const end = new RegExp(`</${name}`, "gi");
      end.lastIndex = position;
      position = past(">", end.exec(html)?.index ?? html.length);
    } else {
      yield { kind: "open", name, attributes: inside.slice(name.length) };
    }
  }
}
