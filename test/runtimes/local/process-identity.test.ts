import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  identify,
  isAlive,
  killProcess,
  parseProcessStatus,
} from "../../../src/runtimes/local/process-identity.js";

const stat = (name: string, state: string, threads: number): string =>
  `7 (${name}) ${state} ${"0 ".repeat(16)}${threads} 0 4711 0 0`;

describe("a process's status", () => {
  test("is found behind any name", () => {
    expect(parseProcessStatus(stat("a) Z 1 (b", "S", 3))).toEqual({ started: 4711, ended: false });
  });

  test("says that a zombie has ended, and one with running threads has not", () => {
    expect(parseProcessStatus(stat("a", "Z", 1))?.ended).toBe(true);
    expect(parseProcessStatus(stat("a", "Z", 2))?.ended).toBe(false);
  });

  test("is nothing for another text", () => {
    expect(parseProcessStatus("7 (a) S")).toBeUndefined();
  });
});

describe("a process", () => {
  test("is killed by its pid and start time together", async () => {
    const child = spawn("sleep", ["1000"]);
    onTestFinished(() => void child.kill("SIGKILL"));
    const identity = identify(child.pid ?? 0);
    if (!identity) throw new Error("the process is not there");
    expect(killProcess({ ...identity, started: identity.started + 1 })).toBe(false);
    expect(isAlive(identity)).toBe(true);
    const exited = once(child, "exit");
    expect(killProcess(identity)).toBe(true);
    expect((await exited)[1]).toBe("SIGKILL");
    expect(isAlive(identity)).toBe(false);
    expect(killProcess(identity)).toBe(false);
  });
});
