import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { readConsole } from "../../../src/runtimes/console.js";

describe("a console", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const open = () => {
    const stream = new PassThrough({ highWaterMark: 1024 ** 3 });
    const console = readConsole(stream, (sink) => stream.on("data", (chunk) => sink.write(chunk)));
    return { stream, console };
  };

  test("keeps the last 8 KiB", async () => {
    const { stream, console } = open();
    stream.end(`${"a".repeat(10_000)}${"b".repeat(8000)}`);
    await console.ended(1000);
    expect(console.tail()).toBe("a".repeat(192) + "b".repeat(8000));
  });

  test("is not read faster than 256 KiB a second", async () => {
    const { stream } = open();
    stream.resume();
    stream.write(Buffer.alloc(256 * 1024));
    await expect.poll(() => stream.isPaused()).toBe(true);
    vi.advanceTimersByTime(1000);
    expect(stream.isPaused()).toBe(false);
  });

  test("that does not end is waited for no longer than said", async () => {
    const { console } = open();
    const waiting = console.ended(1000);
    vi.advanceTimersByTime(1000);
    await waiting;
    console.close();
  });
});
