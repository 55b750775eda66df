import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { containersAndVolumes, killContainer } from "./containers.js";
import { killProcess, localSandboxes } from "./local-sandboxes.js";
import { runtime } from "./runtime.js";

/** What there is outside of a gateway's process for its home: a name for each sandbox, and for each volume. */
export async function leftOf(home: string): Promise<string[]> {
  const id = (await readFile(join(home, "id"), "utf8")).trim();
  return runtime === "docker" ? containersAndVolumes(id) : localSandboxes(home, id);
}

/** Ends a sandbox as somebody else on the machine might. */
export async function killSandbox(home: string, sandboxId: string): Promise<void> {
  await (runtime === "docker" ? killContainer(sandboxId) : killProcess(home, sandboxId));
}
