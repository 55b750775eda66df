import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";

/** Encodings that the build may have made beside a file, the smallest first. */
export const ENCODINGS = { br: ".br", gzip: ".gz" } as const;

export type Encoding = keyof typeof ENCODINGS;

/** One file of a built site. */
export interface SiteFile {
  /** Where it is served: `/assets/main-4fQ.js`. */
  path: string;
  contentType: string;
  /** Changes with the content. Without quotes. */
  tag: string;
  /** Whether the path changes with the content. */
  immutable: boolean;
  /** Encodings that there are of it. */
  encodings: readonly Encoding[];
  /** Its bytes, or an encoding of them. */
  read(encoding?: Encoding): Promise<Buffer>;
}

const CONTENT_TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
  ".ttf": "font/ttf",
  ".ipynb": "application/x-ipynb+json",
};

/** The build puts a digest of the content into the names of the files below. */
const HASHED = "/assets/";

/** Lists a built site, `undefined` when it was not built. Later requests can name nothing but what was there now. */
export async function listSite(directory: string): Promise<SiteFile[] | undefined> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    },
  );
  const files = new Set(
    entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)),
  );
  if (!files.has(join(directory, "index.html"))) return undefined;
  const originals = [...files].filter(
    (file) => !Object.values(ENCODINGS).some((suffix) => isEncoding(file, suffix, files)),
  );
  return Promise.all(originals.sort().map((file) => siteFile(directory, file, files)));
}

function isEncoding(file: string, suffix: string, files: ReadonlySet<string>): boolean {
  return file.endsWith(suffix) && files.has(file.slice(0, -suffix.length));
}

async function siteFile(
  directory: string,
  file: string,
  files: ReadonlySet<string>,
): Promise<SiteFile> {
  const path = `/${relative(directory, file).split(sep).join("/")}`;
  const immutable = path.startsWith(HASHED);
  return {
    path,
    immutable,
    contentType: CONTENT_TYPES[extname(file)] ?? "application/octet-stream",
    tag: immutable
      ? path.slice(HASHED.length)
      : createHash("sha256")
          .update(await readFile(file))
          .digest("base64url")
          .slice(0, 22),
    encodings: (Object.keys(ENCODINGS) as Encoding[]).filter((encoding) =>
      files.has(file + ENCODINGS[encoding]),
    ),
    read: (encoding) => readFile(encoding === undefined ? file : file + ENCODINGS[encoding]),
  };
}
