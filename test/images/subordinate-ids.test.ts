import { chmod } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { checkSubordinateIds } from "../../src/images/subordinate-ids.js";
import { temporaryDirectory } from "./temporary-directory.js";

const { username } = userInfo();

/** Programs that map ids, and files that say who may map which. */
async function machine(subuid: string, subgid: string): Promise<string[]> {
  const directory = await temporaryDirectory({ newuidmap: "", newgidmap: "", subuid, subgid });
  for (const program of ["newuidmap", "newgidmap"]) await chmod(join(directory, program), 0o755);
  vi.stubEnv("PATH", directory);
  return [join(directory, "subuid"), join(directory, "subgid")];
}

describe("a user's own ids", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("are enough when both files name the user", async () => {
    const files = await machine(`${username}:100000:65536\n`, `${username}:100000:65536\n`);
    await expect(checkSubordinateIds(files)).resolves.toBeUndefined();
  });

  it("are asked for with a command that takes nobody else's", async () => {
    const files = await machine(
      "ada:100000:65536\nbob:165536:65536\n",
      `${username}:100000:65536\n`,
    );
    await expect(checkSubordinateIds(files)).rejects.toThrow(
      `run: sudo usermod --add-subuids 231072-296607 --add-subgids 231072-296607 ${username}`,
    );
  });

  it("are asked for where there are no such files at all", async () => {
    await machine("", "");
    await expect(checkSubordinateIds(["/no/subuid", "/no/subgid"])).rejects.toThrow(
      "--add-subuids 100000-165535",
    );
  });

  it("need a package, which is named", async () => {
    vi.stubEnv("PATH", await temporaryDirectory());
    await expect(checkSubordinateIds()).rejects.toThrow("run: sudo apt-get install uidmap");
  });
});
