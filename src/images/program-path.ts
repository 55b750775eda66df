import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** Whether `PATH` leads to this program. */
export async function onPath(program: string): Promise<boolean> {
  const directories = (process.env.PATH ?? "").split(delimiter).filter((part) => part !== "");
  const found = await Promise.all(
    directories.map((directory) => isReadable(join(directory, program))),
  );
  return found.includes(true);
}

export async function isReadable(file: string): Promise<boolean> {
  try {
    await access(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
