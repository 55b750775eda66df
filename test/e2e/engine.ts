import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

async function docker(...args: string[]): Promise<string[]> {
  const { stdout } = await run("docker", args);
  return stdout.split("\n").filter((line) => line !== "");
}

/** What the engine has of a gateway's home: its containers and volumes, by id. */
export async function leftOf(home: string): Promise<string[]> {
  const id = (await readFile(join(home, "id"), "utf8")).trim();
  const label = `label=hotcell.home=${id}`;
  return [
    ...(await docker("ps", "-aq", "--filter", label)),
    ...(await docker("volume", "ls", "-q", "--filter", label)),
  ];
}
