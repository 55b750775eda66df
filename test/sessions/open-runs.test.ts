import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { JournalRecord } from "../../src/sandboxes/journal-record.js";
import { OpenRuns } from "../../src/sessions/open-runs.js";

const onOverdue = vi.fn();
let runs: OpenRuns;
beforeEach(() => {
  vi.useFakeTimers();
  onOverdue.mockReset();
  runs = new OpenRuns(onOverdue);
});
afterEach(() => {
  runs.close();
  vi.useRealTimers();
});

const record = (run: string, event: string) => ({ kind: "run", run, event }) as JournalRecord;
const limits = { timeout_s: 10, grace_s: 5 };

describe("runs that have not ended", () => {
  it("are overdue 5 s after deadline and grace", () => {
    runs.add("a", limits);
    runs.see(record("a", "execution_started"));
    vi.advanceTimersByTime(19_900);
    expect(onOverdue).not.toHaveBeenCalled();
    vi.advanceTimersByTime(200);
    expect(onOverdue).toHaveBeenCalledOnce();
  });

  it("are not overdue once they have ended, or were refused", () => {
    runs.add("a", limits);
    runs.add("b", limits);
    runs.see(record("a", "execution_started"));
    runs.see(record("a", "execution_finished"));
    runs.delete("b");
    expect(runs.size).toBe(0);
    vi.advanceTimersByTime(1e9);
    expect(onOverdue).not.toHaveBeenCalled();
  });

  it("may wait behind another run, but not while none runs", () => {
    runs.add("a", limits);
    runs.see(record("a", "execution_started"));
    runs.add("b", limits);
    vi.advanceTimersByTime(15_000);
    runs.see(record("a", "execution_finished"));
    vi.advanceTimersByTime(59_000);
    expect(onOverdue).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2_000);
    expect(onOverdue).toHaveBeenCalledOnce();
  });

  it("of Jupyter clients count while they run, as many as can be", () => {
    for (let run = 0; run < 100; run += 1) runs.see(record(`jupyter-${run}`, "execution_started"));
    expect(runs.size).toBe(64);
    vi.advanceTimersByTime(24 * 3600 * 1000);
    expect(onOverdue).not.toHaveBeenCalled();
    for (let run = 0; run < 100; run += 1) runs.see(record(`jupyter-${run}`, "execution_finished"));
    expect(runs.size).toBe(0);
  });

  it("that nobody asked for leave nothing behind", () => {
    runs.see(record("stranger", "execution_started"));
    runs.see(record("stranger", "execution_finished"));
    expect(runs.size).toBe(0);
    expect(runs.add("a", limits)).toBe(true);
    expect(runs.add("a", limits)).toBe(false);
  });
});
