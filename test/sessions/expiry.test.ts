import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Expiry } from "../../src/sessions/expiry.js";

const onExpire = vi.fn();
let busy = false;
let expiry: Expiry;
beforeEach(() => {
  vi.useFakeTimers();
  onExpire.mockReset();
  busy = false;
});
afterEach(() => {
  expiry.close();
  vi.useRealTimers();
});

function start(ttlMs: number | null, idleMs: number): void {
  expiry = new Expiry({ ttlMs, idleMs, isBusy: () => busy, onExpire });
}

describe("a session's lifetime", () => {
  it("ends when nothing happened for the idle time", () => {
    start(null, 1000);
    vi.advanceTimersByTime(900);
    expiry.touch();
    vi.advanceTimersByTime(900);
    expect(onExpire).not.toHaveBeenCalled();
    vi.advanceTimersByTime(200);
    expect(onExpire).toHaveBeenCalledExactlyOnceWith("idle");
  });

  it("does not end by idleness while something runs", () => {
    start(null, 1000);
    busy = true;
    vi.advanceTimersByTime(10_000);
    expect(onExpire).not.toHaveBeenCalled();
    busy = false;
    expiry.touch();
    vi.advanceTimersByTime(2_000);
    expect(onExpire).toHaveBeenCalledExactlyOnceWith("idle");
  });

  it("ends at its time to live, busy or not", () => {
    start(5_000, 1_000_000);
    busy = true;
    vi.advanceTimersByTime(5_001);
    expect(onExpire).toHaveBeenCalledExactlyOnceWith("ttl");
  });

  it("may be longer than a timer can be", () => {
    start(null, 40 * 24 * 3600 * 1000);
    vi.advanceTimersByTime(30 * 24 * 3600 * 1000);
    expect(onExpire).not.toHaveBeenCalled();
    vi.advanceTimersByTime(11 * 24 * 3600 * 1000);
    expect(onExpire).toHaveBeenCalledExactlyOnceWith("idle");
  });

  it("does nothing after it is closed", () => {
    start(1000, 1000);
    expiry.close();
    expiry.close();
    vi.advanceTimersByTime(10_000);
    expect(onExpire).not.toHaveBeenCalled();
  });
});
