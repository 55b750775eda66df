import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { digestFiles } from "./file-tree-digest.js";
import { listFileTree } from "./file-tree.js";

const name = z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, "lower-case words joined by hyphens");
const oneLine = z.string().regex(/^[^\p{Cc}]*$/u, "no control characters");

const imageSchema = z.strictObject({
  name,
  description: oneLine.min(1),
  suite: name,
  languages: z
    .array(z.strictObject({ name, version: z.string().min(1), kernel: z.string().min(1) }))
    .min(1),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "a variable's name"), oneLine),
});

/** What a folder of `kernel-images/` says about its image. */
export interface ImageDefinition extends z.infer<typeof imageSchema> {
  /** The folder, as it was given. */
  directory: string;
  /** Debian packages, in the order of `packages.txt`. */
  packages: string[];
  /** Changes with every file of the folder: its path, its executable bit, its content. */
  digest: string;
}

/**
 * Reads the image definition in `directory`: `image.json`, `packages.txt` and the digest over all its files.
 *
 * @throws Error that names the file and the field that is missing or wrong.
 */
export async function loadImageDefinition(directory: string): Promise<ImageDefinition> {
  const imageFile = join(directory, "image.json");
  const packagesFile = join(directory, "packages.txt");
  const image = parseImage(imageFile, await readText(imageFile));
  const packages = parsePackages(packagesFile, await readText(packagesFile));
  const digest = digestFiles(listFileTree(directory));
  return { ...image, directory, packages, digest };
}

/** The folders below `directory` that hold an image definition, sorted by name. */
export async function findDefinitions(directory: string): Promise<string[]> {
  const folders = (await readdir(directory, { withFileTypes: true })).filter((entry) =>
    entry.isDirectory(),
  );
  const found = await Promise.all(
    folders.map(async ({ name }) => {
      const files = await readdir(join(directory, name));
      return files.includes("image.json") ? [join(directory, name)] : [];
    }),
  );
  return found.flat().sort();
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new Error(`${file}: cannot be read`, { cause });
  }
}

function parseImage(file: string, text: string): z.infer<typeof imageSchema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${file}: not JSON`, { cause });
  }
  const parsed = imageSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(
    ({ path, message }) => `${path.join(".") || "(top level)"}: ${message}`,
  );
  throw new Error(`${file}: ${issues.join("; ")}`);
}

function parsePackages(file: string, text: string): string[] {
  const packages: string[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line === "" || line.startsWith("#")) continue;
    // Debian Policy 5.6.1: lower-case letters, digits, plus, minus and full stop.
    if (!/^[a-z0-9][a-z0-9+.-]+$/.test(line))
      throw new Error(`${file}: line ${index + 1}: not the name of a Debian package: "${line}"`);
    packages.push(line);
  }
  if (packages.length === 0) throw new Error(`${file}: names no package`);
  return packages;
}
