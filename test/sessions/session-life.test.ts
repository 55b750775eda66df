import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SessionLife } from "../../src/sessions/session-life.js";

describe("a session's life", () => {
  let life: SessionLife;
  const givenUp = vi.fn();
  beforeEach(() => {
    vi.useFakeTimers();
    givenUp.mockReset();
    life = new SessionLife("s1", givenUp);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("gives an unresponsive sandbox 30 seconds to come back, in which it is not used", () => {
    life.started();
    life.seeLink("unresponsive");
    expect(() => life.assertUsable()).toThrow("has not answered");
    vi.advanceTimersByTime(29_000);
    life.seeLink("up");
    life.assertUsable();
    vi.advanceTimersByTime(60_000);
    expect(givenUp).not.toHaveBeenCalled();
    life.seeLink("unresponsive");
    vi.advanceTimersByTime(30_000);
    expect(givenUp).toHaveBeenCalledOnce();
  });

  it("takes a sandbox of an earlier gateway for unresponsive that has not dialled in 10 seconds", () => {
    life.awaitReturn();
    expect(life.state).toBe("running");
    vi.advanceTimersByTime(10_000);
    expect(life.state).toBe("unresponsive");
    vi.advanceTimersByTime(30_000);
    expect(givenUp).toHaveBeenCalledOnce();
  });

  it("is not given up any more once it stops, and says why it has", async () => {
    life.awaitReturn();
    life.stop("idle");
    vi.advanceTimersByTime(60_000);
    life.seeLink("up");
    expect(life).toMatchObject({ state: "stopping", reason: "idle", live: false });
    expect(givenUp).not.toHaveBeenCalled();
    expect(() => life.assertUsable()).toThrow("The session s1 has ended: idle");
    await expect(life.ask(Promise.reject(new Error("broken off")))).rejects.toMatchObject({
      code: "session_ended",
    });
  });

  it("says of one that goes on that the gateway is stopping, but not to what must not be repeated", async () => {
    life.started();
    life.detach();
    await expect(life.ask(Promise.reject(new Error("broken off")))).rejects.toMatchObject({
      code: "shutting_down",
    });
    await expect(life.tell(Promise.reject(new Error("broken off")))).rejects.not.toMatchObject({
      code: "shutting_down",
    });
  });
});
