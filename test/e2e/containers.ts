import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

async function docker(...args: string[]): Promise<string[]> {
  const { stdout } = await run("docker", args);
  return stdout.split("\n").filter((line) => line !== "");
}

/** What the engine has of a home, by id. */
export async function containersAndVolumes(homeId: string): Promise<string[]> {
  const label = `label=hotcell.home=${homeId}`;
  return [
    ...(await docker("ps", "-aq", "--filter", label)),
    ...(await docker("volume", "ls", "-q", "--filter", label)),
  ];
}

export async function killContainer(sandboxId: string): Promise<void> {
  await docker(
    "kill",
    ...(await docker("ps", "-q", "--filter", `label=hotcell.sandbox=${sandboxId}`)),
  );
}
