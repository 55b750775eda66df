import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { lateProgress } from "../../src/progress/late-progress.js";

describe("progress of what may be quick", () => {
  let shown: string[];
  let progress: ReturnType<typeof lateProgress>;
  beforeEach(() => {
    vi.useFakeTimers();
    shown = [];
    progress = lateProgress(
      { show: ({ step }) => shown.push(step), done: () => shown.push("done") },
      1000,
    );
  });
  afterEach(() => vi.useRealTimers());

  it("is not shown when it is", () => {
    progress.show({ step: "one" });
    progress.done();
    vi.advanceTimersByTime(5000);
    expect(shown).toEqual(["done"]);
  });

  it("is shown from where it is at when it is not", () => {
    progress.show({ step: "one" });
    progress.show({ step: "two" });
    vi.advanceTimersByTime(1000);
    progress.show({ step: "three" });
    expect(shown).toEqual(["two", "three"]);
  });
});
