import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { idleExit, type IdleExit } from "../../src/sessions/idle-exit.js";

describe("the end of a gateway without sessions", () => {
  let ended: number;
  let exit: IdleExit;
  beforeEach(() => {
    vi.useFakeTimers();
    ended = 0;
    exit = idleExit({ afterMs: 1000, onIdle: () => (ended += 1) });
  });
  afterEach(() => vi.useRealTimers());

  it("comes when none is made in time, once", () => {
    vi.advanceTimersByTime(999);
    expect(ended).toBe(0);
    vi.advanceTimersByTime(5000);
    expect(ended).toBe(1);
    exit.count(0);
    vi.advanceTimersByTime(5000);
    expect(ended).toBe(1);
  });

  it("does not come while there is one, and comes after the last", () => {
    exit.count(1);
    vi.advanceTimersByTime(60_000);
    exit.count(2);
    exit.count(1);
    vi.advanceTimersByTime(60_000);
    exit.count(0);
    vi.advanceTimersByTime(999);
    exit.count(1);
    vi.advanceTimersByTime(60_000);
    expect(ended).toBe(0);
    exit.count(0);
    vi.advanceTimersByTime(1000);
    expect(ended).toBe(1);
  });

  it("does not come after it was closed", () => {
    exit.close();
    exit.close();
    exit.count(0);
    vi.advanceTimersByTime(5000);
    expect(ended).toBe(0);
  });
});
