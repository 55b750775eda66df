import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import {
  access,
  constants,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { dirname, join, parse } from "node:path";
import { z } from "zod";
import { ConfigError } from "../config.js";

const object = z.record(z.string(), z.unknown());
const text = z.union([z.string(), z.array(z.string())]);
/** What of a cell is needed to execute it; everything else stays as it is. */
const cell = z.looseObject({
  cell_type: z.string(),
  id: z.string().optional(),
  source: text,
  metadata: object.default({}),
});

const notebook = z.looseObject({
  nbformat: z.literal(4),
  nbformat_minor: z.int().min(0),
  metadata: object.default({}),
  cells: z.array(cell),
});

const language = z.object({
  kernelspec: z.object({ language: z.string() }).optional().catch(undefined),
  language_info: z.object({ name: z.string() }).optional().catch(undefined),
});

export type FileCell = z.output<typeof cell>;
export type FileNotebook = z.output<typeof notebook>;

/** A notebook that was read from a file, to be written back. */
export interface NotebookFile {
  document: FileNotebook;
  /** What its metadata says that it is in, in lower case; `undefined` where that is not said. */
  language: string | undefined;
  /** Writes it, whole or not at all; resolves with where. */
  write(): Promise<string>;
}

/** A cell's source as one text. */
export function sourceOf({ source }: FileCell): string {
  return typeof source === "string" ? source : source.join("");
}

/** Whether a cell has the tag. */
export function hasTag({ metadata }: FileCell, tag: string): boolean {
  const { tags } = metadata;
  return Array.isArray(tags) && tags.includes(tag);
}

/**
 * Reads a notebook of nbformat 4, as one of 4.5: cells without an id get one.
 * @param output where it is to be written
 * @throws ConfigError for what is no such file, and where `output` cannot be written
 */
export async function openNotebookFile(path: string, output: string): Promise<NotebookFile> {
  const [bytes, stats] = await Promise.all([readFile(path), stat(path)]);
  const document = documentOf(path, bytes);
  const target = await targetOf(output);
  const { data } = language.safeParse(document.metadata);
  return {
    document,
    language: (data?.language_info?.name ?? data?.kernelspec?.language)?.toLowerCase(),
    write: async () => {
      const place = await placeFor(target, { path, stats });
      await replace(place, `${JSON.stringify(document, null, 1)}\n`, stats.mode);
      return place;
    },
  };
}

function documentOf(path: string, bytes: Buffer): FileNotebook {
  let content: unknown;
  try {
    content = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new ConfigError(`hotcell run: ${path} is not a notebook: it is not JSON in UTF-8`);
  }
  const version = z.looseObject({ nbformat: z.int() }).safeParse(content);
  if (!version.success) {
    throw new ConfigError(`hotcell run: ${path} is not a notebook: it does not say its nbformat`);
  }
  if (version.data.nbformat !== 4) {
    throw new ConfigError(
      `hotcell run: ${path} has nbformat ${version.data.nbformat}, and 4 is needed; \`jupyter nbconvert --to notebook\` converts it`,
    );
  }
  const parsed = notebook.safeParse(content);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.join(".") ?? "";
    throw new ConfigError(
      `hotcell run: ${path} is not a valid notebook: ${where} ${issue?.message ?? ""}`,
    );
  }
  // In the file's own order of members, with whatever else stands there.
  const document = content as FileNotebook;
  const taken = new Set<string>();
  for (const [index, checked] of parsed.data.cells.entries()) {
    const own = document.cells[index];
    if (own === undefined) continue;
    if (!("metadata" in own)) Object.assign(own, { metadata: checked.metadata });
    if (own.id === undefined || taken.has(own.id)) own.id = randomBytes(4).toString("hex");
    taken.add(own.id);
  }
  if (!("metadata" in document)) Object.assign(document, { metadata: {} });
  document.nbformat_minor = Math.max(document.nbformat_minor, 5);
  return document;
}

/** Where the file is that `output` names, through links; checked before anything is executed. */
async function targetOf(output: string): Promise<string> {
  const target = await realpath(output).catch(() => output);
  const found = await stat(target).catch(() => undefined);
  if (found !== undefined && !found.isFile()) {
    throw new ConfigError(`hotcell run: --output ${output} is not a file`);
  }
  try {
    await access(dirname(target), constants.W_OK);
    if (found !== undefined) await access(target, constants.W_OK);
  } catch {
    throw new ConfigError(`hotcell run: ${output} cannot be written`);
  }
  return target;
}

/** Where to write: beside a file that somebody has changed since it was read, so that nothing of that is lost. */
async function placeFor(target: string, read: { path: string; stats: Stats }): Promise<string> {
  if ((await realpath(read.path).catch(() => undefined)) !== target) return target;
  const now = await stat(target).catch(() => read.stats);
  if (now.mtimeMs === read.stats.mtimeMs && now.size === read.stats.size) return target;
  const { dir, name } = parse(target);
  return join(dir, `${name}.executed.ipynb`);
}

async function replace(path: string, content: string, mode: number): Promise<void> {
  const draft = join(dirname(path), `.${randomBytes(6).toString("hex")}.ipynb.tmp`);
  try {
    await writeFile(draft, content, { mode: mode & 0o777, flag: "wx" });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
