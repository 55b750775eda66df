import { describe, expect, it } from "vitest";
import { codePointsBefore, indexOfCodePoint } from "../../playground/src/editor/code-points.js";
import { durationWords } from "../../playground/src/notebook/duration.js";
import {
  deathWords,
  endWords,
  type FinishedEvent,
} from "../../playground/src/notebook/end-words.js";
import { sessionEndWords } from "../../playground/src/sessions/session-end.js";
import { sizeWords } from "../../playground/src/sessions/size-words.js";

const finished = (status: FinishedEvent["status"], reason?: string): FinishedEvent => ({
  type: "execution_finished",
  n: 1,
  at: "2026-01-01T00:00:00Z",
  execution_id: "exe_1",
  status,
  execution_count: 1,
  duration_ms: 1,
  state: "kept",
  ...(reason === undefined ? {} : { reason }),
  usage: { cpu_ms: 0, memory_peak_bytes: 0 },
  output: { stdout_bytes: 0, stderr_bytes: 0, truncated: false },
});

describe("words for an interpreter's end", () => {
  it("say what happened, not a code", () => {
    expect(deathWords("oom")).toContain("more memory");
    expect(deathWords("zygote_lost")).toBe(deathWords("sandbox_lost"));
    expect(deathWords("abandoned")).toContain("no gateway");
    expect(deathWords("signal 11")).toContain("memory access violation");
    expect(deathWords("exit 3")).toContain("exit code 3");
    expect(deathWords("signal 63")).toContain("signal 63");
    expect(deathWords(undefined)).toBe("The interpreter ended.");
  });

  it("are not needed where code ended by itself", () => {
    expect(endWords(finished("ok"))).toBeUndefined();
    expect(endWords(finished("error"))).toBeUndefined();
    expect(endWords(finished("kernel_died", "oom"))).toBe(deathWords("oom"));
    expect(endWords(finished("cancelled", "aborted"))).toContain("a cell before it failed");
  });
});

describe("words for a session's end", () => {
  it("say why", () => {
    expect(sessionEndWords("idle")).toContain("unused");
    expect(sessionEndWords("oom")).toContain("memory");
    expect(sessionEndWords("zygote_lost")).toBe(sessionEndWords("sandbox_lost"));
    expect(sessionEndWords("abandoned")).toContain("no gateway");
    expect(sessionEndWords("another_reason")).toContain("another_reason");
  });
});

describe("durations and sizes", () => {
  it.each([
    [4, "4 ms"],
    [94, "94 ms"],
    [96, "0.1 s"],
    [1240, "1.2 s"],
    [9949, "9.9 s"],
    [9951, "10 s"],
    [59_600, "1 min"],
    [185_000, "3 min 5 s"],
    [7_800_000, "2 h 10 min"],
  ])("of %d ms are %s", (milliseconds, words) => {
    expect(durationWords(milliseconds)).toBe(words);
  });

  it("of bytes are in units of 1024", () => {
    expect(sizeWords(0)).toBe("0 B");
    expect(sizeWords(1536)).toBe("1.5 KB");
    expect(sizeWords(2 * 1024 ** 3)).toBe("2 GB");
  });
});

describe("positions in code", () => {
  it("count code points for the kernel and UTF-16 units for the editor", () => {
    const code = "s = '🔥é'; s.up";
    expect(codePointsBefore(code, code.length)).toBe(Array.from(code).length);
    expect(indexOfCodePoint(code, Array.from(code).length)).toBe(code.length);
    expect(code.slice(0, indexOfCodePoint(code, 6))).toBe("s = '🔥");
    expect(indexOfCodePoint(code, 1000)).toBe(code.length);
  });
});
