import type { Output } from "./output.js";

/** Text as Jupyter writes it into files, so that differences are small: lines with their ends. */
export function lines(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

function isTextType(mediaType: string): boolean {
  return /^text\/|^image\/svg\+xml$|^application\/(?:javascript|x-tex)$/.test(mediaType);
}

/** An output as it stands in a file of nbformat 4. */
export function outputJson(entry: Output): Record<string, unknown> {
  switch (entry.output_type) {
    case "stream":
      return { ...entry, text: lines(entry.text) };
    case "error":
      return { ...entry };
    case "display_data":
    case "execute_result":
      return {
        ...entry,
        data: Object.fromEntries(
          Object.entries(entry.data).map(([type, value]) => [
            type,
            isTextType(type) && typeof value === "string" ? lines(value) : value,
          ]),
        ),
      };
  }
}
