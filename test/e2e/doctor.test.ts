import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Diagnosis } from "../../src/doctor/diagnosis.js";

const MAIN = new URL("../../dist/main.js", import.meta.url).pathname;
const RUNTIME = process.env["HOTCELL_TEST_RUNTIME"] === "local" ? "local" : "docker";
const run = promisify(execFile);

describe(`hotcell doctor --runtime ${RUNTIME}, on this machine`, () => {
  let home: string;
  beforeAll(async () => (home = await mkdtemp(join(tmpdir(), "hc-"))));
  afterAll(async () => rm(home, { recursive: true, force: true }));

  const doctor = async (...args: string[]): Promise<string> => {
    const images = process.env["HOTCELL_IMAGES"];
    const env = {
      PATH: process.env["PATH"],
      HOTCELL_PORT: "0",
      ...(images === undefined ? {} : { HOTCELL_IMAGES: images }),
    };
    const command = [MAIN, "doctor", "--runtime", RUNTIME, "--home", home, ...args];
    return (await run(process.execPath, command, { env })).stdout;
  };

  it("finds the version that the machine itself tells", async () => {
    const diagnosis = JSON.parse(await doctor("--json")) as Diagnosis;
    expect(diagnosis.start).toMatchObject({ runtime: RUNTIME, state: "works" });
    const { works, version } = diagnosis.runtimes[0] ?? {};
    expect(works).toBe(true);
    const expected =
      RUNTIME === "local"
        ? release()
        : (await run("docker", ["version", "--format", "{{.Server.Version}}"])).stdout.trim();
    expect(version).toContain(` ${expected}`);
  });

  it("has a remedy for whatever is not in order", async () => {
    const diagnosis = JSON.parse(await doctor("--json")) as Diagnosis;
    expect(diagnosis.runtimes[0]?.findings.length).toBeGreaterThan(10);
    for (const { status, remedy } of diagnosis.runtimes[0]?.findings ?? []) {
      expect(remedy === null).toBe(status === "enforced");
    }
  });

  it("says first whether a start will work, without colour in a pipe", async () => {
    const text = await doctor();
    expect(text).toMatch(new RegExp(`^HOTCELL_RUNTIME is ${RUNTIME}; .npm start. .* will work`));
    expect(text).not.toContain("\u001b");
  });

  it("claims no home", async () => {
    await doctor();
    expect(existsSync(join(home, "gateway.sock"))).toBe(false);
  });
});
