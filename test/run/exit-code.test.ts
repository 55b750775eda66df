import { describe, expect, it } from "vitest";
import { exitCodeOf, isExitMessage } from "../../src/run/exit-code.js";

describe("the exit code", () => {
  it.each([
    [{ status: "ok" as const }, 0],
    [{ status: "error" as const }, 1],
    [{ status: "timed_out" as const }, 124],
    [{ status: "interrupted" as const }, 130],
    [{ status: "kernel_died" as const, reason: "oom" }, 137],
    [{ status: "kernel_died" as const, reason: "signal 11" }, 137],
    [{ status: "kernel_died" as const, reason: "exit 7" }, 7],
    [{ status: "cancelled" as const, reason: "gateway_stopped" }, 4],
  ])("of %j is %i", (ending, code) => {
    expect(exitCodeOf(ending)).toBe(code);
  });

  it.each([
    ["", 0],
    ["None", 0],
    ["0", 0],
    ["3", 3],
    ["-1", 255],
    ["256", 0],
    ["True", 1],
    ["goodbye", 1],
    ["9".repeat(50), 1],
  ])("of sys.exit with %j is %i", (evalue, code) => {
    expect(exitCodeOf({ status: "error" }, { ename: "SystemExit", evalue })).toBe(code);
  });

  it("of an exception that is none of SystemExit is 1", () => {
    expect(exitCodeOf({ status: "error" }, { ename: "ValueError", evalue: "0" })).toBe(1);
  });

  it("goes without words where sys.exit got a code, not a message", () => {
    expect(["", "None", "3", "-1"].filter(isExitMessage)).toEqual([]);
    expect(isExitMessage("cannot go on")).toBe(true);
  });
});
