import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claimHome } from "../src/home.js";

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "hc-"))));
afterEach(() => rmSync(directory, { recursive: true }));

describe("a home", () => {
  it("belongs to one gateway at a time and keeps its id", async () => {
    const first = await claimHome(directory);
    await expect(claimHome(directory)).rejects.toThrow(/Another gateway runs with the home/);
    await first.release();
    await first.release();
    const second = await claimHome(directory);
    expect(second.id).toBe(first.id);
    await second.release();
  });

  it("is free again when its gateway was killed", async () => {
    const socket = join(directory, "gateway.sock");
    const killed = spawn(process.execPath, [
      "-e",
      `require("net").createServer().listen(${JSON.stringify(socket)}, () => console.log("on"))`,
    ]);
    await once(killed.stdout, "data");
    killed.kill("SIGKILL");
    await once(killed, "exit");
    expect(existsSync(socket)).toBe(true);
    const home = await claimHome(directory);
    await home.release();
  });

  it("with too long a path is refused with the reason", async () => {
    await expect(claimHome(join(directory, "x".repeat(90)))).rejects.toThrow(/bytes too long/);
  });
});
