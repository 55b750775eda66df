import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ensureMmdebstrap } from "../../src/images/mmdebstrap.js";
import { temporaryDirectory } from "./temporary-directory.js";

const { signal } = new AbortController();

describe("mmdebstrap, where it is not installed", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  it("is asked for in words when there is no apt to install it with", async () => {
    vi.stubEnv("PATH", await temporaryDirectory());
    await expect(ensureMmdebstrap(() => undefined, signal)).rejects.toThrow(/has no apt-get/);
  });

  it("is asked for with the exact command when only root may install it", async () => {
    vi.stubEnv("PATH", await temporaryDirectory({ "apt-get": "" }));
    vi.spyOn(process, "getuid").mockReturnValue(1000);
    await expect(ensureMmdebstrap(() => undefined, signal)).rejects.toThrow(
      "run: sudo apt-get install mmdebstrap debian-archive-keyring gpg mount",
    );
  });

  it("is installed by root with apt, which is said", async () => {
    const log = join(await temporaryDirectory(), "log");
    const directory = await temporaryDirectory({
      "apt-get": `#!/bin/sh\necho "$@" >>${log}\n`,
    });
    await chmod(join(directory, "apt-get"), 0o755);
    vi.stubEnv("PATH", directory);
    vi.spyOn(process, "getuid").mockReturnValue(0);
    const steps: string[] = [];
    await ensureMmdebstrap(({ step }) => steps.push(step), signal);
    expect(await readFile(log, "utf8")).toBe(
      "update\ninstall --yes --no-install-recommends mmdebstrap debian-archive-keyring gpg mount\n",
    );
    expect(steps).toEqual(["installing mmdebstrap"]);
  });
});
