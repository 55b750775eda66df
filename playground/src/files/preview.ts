import { extensionOf } from "./file-path.js";

/** How a file can be looked at. What can execute has an isolated frame, or is shown as text. */
export type Preview =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "table"; readonly text: string }
  | { readonly kind: "notebook"; readonly text: string }
  /** A value of a MIME bundle, drawn as a cell's output. */
  | { readonly kind: "rich"; readonly mime: string; readonly value: string }
  | { readonly kind: "none"; readonly words: string };

const IMAGES: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  svg: "image/svg+xml",
};

const DOCUMENTS: Readonly<Record<string, string>> = {
  md: "text/markdown",
  markdown: "text/markdown",
  json: "application/json",
  geojson: "application/json",
  html: "text/html",
  htm: "text/html",
};

/** How much of a file is read for its preview, in bytes. */
export function previewBytes(name: string): number {
  const extension = extensionOf(name);
  if (extension in IMAGES || extension === "ipynb") return 16 * 1024 ** 2;
  if (extension === "json" || extension === "geojson" || extension === "html") return 2 * 1024 ** 2;
  return 256 * 1024;
}

/** The text in these bytes, if they are text in UTF-8; of a file's beginning, the last character may be cut. */
export function textIn(bytes: Uint8Array, isWhole: boolean): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: !isWhole });
  } catch {
    return undefined;
  }
}

async function base64(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => {
      const url = reader.result as string;
      resolve(url.slice(url.indexOf(",") + 1));
    });
    reader.addEventListener("error", () => reject(reader.error as Error));
    reader.readAsDataURL(new Blob([bytes]));
  });
}

/** How the bytes of a file's beginning are shown. */
export async function previewOf(
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
  isWhole: boolean,
): Promise<Preview> {
  const extension = extensionOf(name);
  const image = IMAGES[extension];
  if (image !== undefined && !isWhole)
    return { kind: "none", words: "The picture is too large to be shown here." };
  if (image !== undefined && image !== "image/svg+xml")
    return { kind: "rich", mime: image, value: await base64(bytes) };
  const text = textIn(bytes, isWhole);
  if (text === undefined)
    return { kind: "none", words: "A file of this kind cannot be shown here." };
  if (image !== undefined) return { kind: "rich", mime: image, value: text };
  if (extension === "csv" || extension === "tsv") return { kind: "table", text };
  if (extension === "ipynb") {
    return isWhole
      ? { kind: "notebook", text }
      : { kind: "none", words: "The notebook is too large to be opened here." };
  }
  const mime = DOCUMENTS[extension];
  const needsWhole = mime === "application/json" || mime === "text/html";
  return mime === undefined || (needsWhole && !isWhole)
    ? { kind: "text", text }
    : { kind: "rich", mime, value: text };
}
