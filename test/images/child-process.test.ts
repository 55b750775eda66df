import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { runChildProcess } from "../../src/images/child-process.js";

const { signal } = new AbortController();

describe("a child process", () => {
  it("gives its lines to one and its output to another", async () => {
    const lines: string[] = [];
    const stdout = new PassThrough();
    const output = text(stdout);
    const script = "echo archive; echo one >&2; printf two >&2";
    await runChildProcess("sh", ["-c", script], {
      signal,
      stdout,
      onLine: (line) => lines.push(line),
    });
    expect(await output).toBe("archive\n");
    expect(lines).toEqual(["one", "two"]);
  });

  it("that fails says its status and its last words, and its output does not look whole", async () => {
    const stdout = new PassThrough();
    const run = runChildProcess("sh", ["-c", "echo half; echo no mirror >&2; exit 3"], {
      signal,
      stdout,
    });
    await expect(run).rejects.toThrow(/^sh ended with status 3:\nno mirror$/);
    expect(stdout.destroyed && !stdout.writableEnded).toBe(true);
  });

  it("that does not exist is an error", async () => {
    await expect(runChildProcess("/no/such/program", [], { signal })).rejects.toThrow("ENOENT");
  });

  it("is ended, with what it started, when the wait for it is aborted", async () => {
    const controller = new AbortController();
    // A shell's child could miss a signal between its fork and its exec.
    const starts =
      "require('node:child_process').spawn('sleep', ['600']).on('spawn', () => console.log('up'))";
    const run = runChildProcess(process.execPath, ["-e", starts], {
      signal: controller.signal,
      onLine: (line) => line === "up" && controller.abort(new Error("enough")),
    });
    await expect(run).rejects.toThrow("enough");
  });
});
