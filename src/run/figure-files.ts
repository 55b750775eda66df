import { existsSync } from "node:fs";
import { mkdir, open, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Media types that are saved, with the end of their files' names. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/gif": "gif",
  "image/webp": "webp",
  "image/svg+xml": "svg",
  "application/pdf": "pdf",
};

/** What one call may leave on a disk: code nobody has read must not fill it. */
export const MOST_FIGURES = 1_000;
export const MOST_FIGURE_BYTES = 512 * 1024 * 1024;

/** A figure in one of its media types. */
export interface Figure {
  mediaType: string;
  bytes: Buffer;
}

export function isFigureType(mediaType: string): boolean {
  return Object.hasOwn(EXTENSIONS, mediaType);
}

/** The figure in a MIME bundle's value: base64, but for SVG, which is text. `undefined` when it makes no sense. */
export function figureOf(mediaType: string, value: unknown): Figure | undefined {
  if (typeof value !== "string" || !isFigureType(mediaType)) return undefined;
  const bytes = Buffer.from(value, mediaType === "image/svg+xml" ? "utf8" : "base64");
  return bytes.length > 0 ? { mediaType, bytes } : undefined;
}

/** What is left out because a bound is reached. */
export class FigureLimitError extends Error {
  override readonly name = "FigureLimitError";
}

export interface FigureFiles {
  /**
   * Saves the representations of one figure under the next number, each in a new file, and returns their paths.
   * @throws FigureLimitError when there are too many, or what the file system says
   */
  save(representations: Figure[]): Promise<string[]>;
}

/**
 * Makes a directory and those above it. Node's own recursion never ends where a parent is there and yet nothing can be
 * made in it: below /proc, or in a directory that was removed.
 */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    const parent = dirname(path);
    if (code !== "ENOENT" || existsSync(parent)) throw error;
    await makeDirectory(parent);
    await mkdir(path);
  }
}

async function highestNumber(directory: string): Promise<number> {
  let highest = 0;
  for (const name of await readdir(directory)) {
    const number = /^figure-(\d{1,9})\./.exec(name)?.[1];
    if (number !== undefined) highest = Math.max(highest, Number(number));
  }
  return highest;
}

/** Makes a file that was not there, whatever links lie in the way: O_EXCL follows none. False when the name is taken. */
async function create(path: string, bytes: Buffer): Promise<boolean> {
  let file;
  try {
    file = await open(path, "wx", 0o666);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
  try {
    await file.writeFile(bytes);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return true;
}

/** Figures as files `figure-1.png`, `figure-2.svg`, … in a directory, which is made when the first one comes. */
export function figureFiles(
  directory: string,
  limits: { figures: number; bytes: number } = { figures: MOST_FIGURES, bytes: MOST_FIGURE_BYTES },
): FigureFiles {
  let number: number | undefined;
  let left = { ...limits };
  return {
    save: async (representations) => {
      const size = representations.reduce((sum, { bytes }) => sum + bytes.length, 0);
      if (left.figures < 1 || left.bytes < size) {
        throw new FigureLimitError(
          `no more than ${limits.figures} figures and ${Math.floor(limits.bytes / 1024 / 1024)} MiB are saved`,
        );
      }
      left = { figures: left.figures - 1, bytes: left.bytes - size };
      if (number === undefined) {
        await makeDirectory(directory);
        number = await highestNumber(directory);
      }
      number += 1;
      const paths: string[] = [];
      for (const { mediaType, bytes } of representations) {
        const pathOf = (): string =>
          join(directory, `figure-${number ?? 0}.${EXTENSIONS[mediaType] ?? "bin"}`);
        while (!(await create(pathOf(), bytes))) number += 1;
        paths.push(pathOf());
      }
      return paths;
    },
  };
}
