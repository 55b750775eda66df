import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * The directory of a Python environment with these packages, made once and kept. `undefined` where none can be made:
 * without Python, or without PyPI. `HOTCELL_TEST_VENV` names one that is there already.
 */
export async function pythonVenv(packages: readonly string[]): Promise<string | undefined> {
  const given = process.env["HOTCELL_TEST_VENV"];
  if (given !== undefined) return given;
  const digest = createHash("sha256").update(packages.join("\n")).digest("hex").slice(0, 16);
  const cache = join(homedir(), ".cache", "hotcell-test");
  const directory = join(cache, `venv-${digest}`);
  if ((await stat(join(directory, "complete")).catch(() => undefined)) !== undefined)
    return directory;
  await rm(directory, { recursive: true, force: true });
  await mkdir(cache, { recursive: true });
  try {
    await run("python3", ["-m", "venv", directory]);
    const pip = [
      "install",
      "--quiet",
      "--disable-pip-version-check",
      "--retries",
      "1",
      ...packages,
    ];
    await run(join(directory, "bin", "pip"), pip, { timeout: 240_000 });
    await mkdir(join(directory, "complete.draft"));
    await rename(join(directory, "complete.draft"), join(directory, "complete"));
    return directory;
  } catch {
    await rm(directory, { recursive: true, force: true });
    return undefined;
  }
}

/**
 * The wheels of these packages, without what they depend on, by file name: for the Python of our image. `undefined` where PyPI
 * cannot be reached.
 */
export async function wheels(
  venv: string,
  packages: readonly string[],
): Promise<Map<string, Buffer> | undefined> {
  const directory = await mkdtemp(join(tmpdir(), "hotcell-wheels-"));
  try {
    const pip = [
      ...["download", "--quiet", "--disable-pip-version-check", "--retries", "1", "--no-deps"],
      ...["--python-version", "3.13", "--only-binary=:all:", "--dest", directory],
      ...packages,
    ];
    await run(join(venv, "bin", "pip"), pip, { timeout: 120_000 });
    const names = await readdir(directory);
    const read = names.map(async (name) => [name, await readFile(join(directory, name))] as const);
    return new Map(await Promise.all(read));
  } catch {
    return undefined;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
