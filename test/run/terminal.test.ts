import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { openTerminal, type Terminal } from "../../src/run/terminal.js";
import { OutputCapture } from "./output-capture.js";

function opened(options: { tty?: boolean; env?: NodeJS.ProcessEnv } = {}): {
  terminal: Terminal;
  stdout: OutputCapture;
  stderr: OutputCapture;
} {
  const stdout = new OutputCapture(options.tty ?? true);
  const stderr = new OutputCapture(options.tty ?? true);
  const signal = new AbortController().signal;
  return {
    terminal: openTerminal({ stdout, stderr, env: options.env ?? {}, signal }),
    stdout,
    stderr,
  };
}

const COLOURED = "\u001b[31mred\u001b[0m\r\u001b[Kx\u001b]0;t\u0007\n";

describe("the terminal", () => {
  it("gets colours and erasing, and nothing else that it obeys", async () => {
    const { terminal, stdout } = opened();
    await terminal.print("stdout", COLOURED);
    expect(stdout.text).toBe("\u001b[31mred\u001b[0m\r\u001b[Kx\n");
  });

  it("gets no colours where NO_COLOR says so", async () => {
    const { terminal, stdout } = opened({ env: { NO_COLOR: "1" } });
    await terminal.print("stdout", COLOURED);
    expect(stdout.text).toBe("red\r\u001b[Kx\n");
  });

  it.each([
    ["a file or a pipe", { tty: false }],
    ["a dumb terminal", { env: { TERM: "dumb" } }],
  ])("gets no escape at all when it is %s", async (_what, options) => {
    const { terminal, stdout } = opened(options);
    await terminal.print("stdout", COLOURED);
    expect(stdout.text).toBe("red\rx\n");
  });

  it("is told of ours on a line of its own, uncoloured", async () => {
    const { terminal, stdout, stderr } = opened();
    await terminal.print("stdout", "\u001b[8mhidden");
    await terminal.say("Saved figure-1.png");
    expect(stdout.text).toBe("\u001b[8mhidden\u001b[0m");
    expect(stderr.text).toBe("\nSaved figure-1.png\n");
    await terminal.say("again");
    expect(stderr.text).toBe("\nSaved figure-1.png\nagain\n");
  });

  it("keeps what is ours in one line, whatever is quoted in it", async () => {
    const { terminal, stderr } = opened();
    await terminal.say("The interpreter died: \u001b[2J\nfake: line\u009b31m");
    expect(stderr.text).toBe("The interpreter died: fake: line\n");
  });

  it("gives results lines of their own", async () => {
    const { terminal, stdout } = opened();
    await terminal.print("stdout", "no newline");
    await terminal.printLines("stdout", "2");
    await terminal.printLines("stdout", "3\n");
    expect(stdout.text).toBe("no newline\n2\n3\n");
  });

  it("does not mix the lines of a file with what is on the terminal", async () => {
    const { terminal, stdout, stderr } = opened({ tty: false });
    await terminal.print("stdout", "half");
    await terminal.say("a message");
    expect(stdout.text).toBe("half");
    expect(stderr.text).toBe("a message\n");
  });

  it("has its colours back at the end, also those of half a line", async () => {
    const { terminal, stdout, stderr } = opened();
    await terminal.print("stdout", "\u001b[31mred");
    await terminal.print("stderr", "\u001b[32mgreen\u001b]0;un");
    await terminal.close();
    expect(stdout.text).toBe("\u001b[31mred\u001b[0m");
    expect(stderr.text).toBe("\u001b[32mgreen\u001b[0m");
  });

  it("is waited for when it is slow, until all is to end", async () => {
    const stop = new AbortController();
    let taken: (() => void) | undefined;
    const slow = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => (taken = done),
    });
    const terminal = openTerminal({ stdout: slow, stderr: slow, env: {}, signal: stop.signal });
    let finished = false;
    const printing = terminal.print("stdout", "first").then(() => (finished = true));
    await Promise.resolve();
    expect(finished).toBe(false);
    taken?.();
    await printing;
    const stuck = terminal.print("stdout", "second");
    stop.abort(new Error("stopped"));
    await expect(stuck).rejects.toThrow();
  });
});
