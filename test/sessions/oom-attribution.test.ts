import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OomAttribution } from "../../src/sessions/oom-attribution.js";

describe("a sandbox in which something was killed for want of memory", () => {
  let oom: OomAttribution;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance"] });
    oom = new OomAttribution();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("has ended of that when it ends soon", () => {
    oom.killed();
    vi.advanceTimersByTime(1_000);
    expect(oom.endsSandbox()).toBe(true);
  });

  it("has not when it lives on for a while", () => {
    oom.killed();
    vi.advanceTimersByTime(10_000);
    expect(oom.endsSandbox()).toBe(false);
  });

  it.each(["before", "after"])("has not when kerneld has explained it %s the runtime", (when) => {
    if (when === "after") oom.killed();
    oom.kernelDied();
    vi.advanceTimersByTime(100);
    if (when === "before") oom.killed();
    expect(oom.endsSandbox()).toBe(false);
  });

  it("has not ended of what an earlier gateway saw, and has of what this one sees", () => {
    const adopted = new OomAttribution(true);
    expect(adopted.endsSandbox()).toBe(false);
    adopted.killed();
    expect(adopted.endsSandbox()).toBe(true);
  });

  it("has not ended of what the runtime tells late", () => {
    const adopted = new OomAttribution(true);
    adopted.killed(6_000);
    expect(adopted.endsSandbox()).toBe(false);
    adopted.killed(2_000);
    expect(adopted.endsSandbox()).toBe(true);
    vi.advanceTimersByTime(3_500);
    expect(adopted.endsSandbox()).toBe(false);
  });

  it("has ended of a later kill that nobody has explained", () => {
    oom.killed();
    oom.kernelDied();
    vi.advanceTimersByTime(10_000);
    oom.killed();
    expect(oom.endsSandbox()).toBe(true);
  });

  it("has ended of that where nobody saw when it was", () => {
    expect(oom.endsSandbox()).toBe(true);
  });
});
